"""Settings: values to write in Python, and the JSON that every host reads."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from datetime import timedelta
from typing import Any, ClassVar, Literal, TypeAlias, cast

from tidegate._errors import ConfigError, Problem

Time: TypeAlias = int | timedelta
"""Milliseconds, or a `timedelta`, which is rounded up to whole milliseconds."""


def _ms(time: Time) -> int:
    if isinstance(time, timedelta):
        return -((-time) // timedelta(milliseconds=1))
    return time


class Settings:
    """Settings whose JSON is their fields in camelCase, without those that are None."""

    _case: ClassVar[str | None] = None
    """Of one of several cases, its name in JSON."""


@dataclass(frozen=True)
class Share(Settings):
    """While the store is away, decide on this host's own state.

    A limiter divides its limits and bursts by ``hosts``, rounded down, so that all hosts together admit no more than
    the limit. A circuit works by its rules, each host for itself, and needs no number: ``"share"`` is the same.
    """

    hosts: int | None = None
    """How many hosts there are at most; 1 to 1,000,000. A limiter needs it."""


WhenAway: TypeAlias = Literal["error", "open", "closed", "share"] | Share
"""What to answer while the store is away: `StoreError`, an admission, a refusal, or what this host decides alone.

A limiter's default is ``error``, a circuit's ``share``, its own local state.

What a limiter lets go by ``open`` or `Share` is charged when the store is back."""


StoreState: TypeAlias = Literal["unknown", "available", "probing", "away"]
"""Whether a shared store answers, as far as its watch knows; probing: one call is on its way to find out."""


@dataclass(frozen=True)
class StoreWatch:
    """When the watch on a shared store turns calls away, so that none of them waits for a store that is away.

    It counts rounds, not calls: failures of calls that were sent before the first of them was known count once.
    """

    failures: int = 3
    """After this many rounds that failed with no success between them; 1 to 1,000,000."""
    open_ms: Time = 500
    """For how long at first, until the store is tried again; 1 ms to 30 days."""
    cap_ms: Time = 5_000
    """Each time that fails the time is doubled, up to this; at least ``open_ms``, at most 30 days."""


def watch_parts(watch: StoreWatch) -> tuple[tuple[str, object], ...]:
    """What a watch is made of, as the compiled part takes it, each with its name."""
    return ("failures", watch.failures), ("open_ms", _ms(watch.open_ms)), ("cap_ms", _ms(watch.cap_ms))


Json: TypeAlias = Mapping[str, Any]
"""Settings as JSON has them, in camelCase."""


NO_JSON = "\0"
"""What a text begins with that stands for a value that JSON does not have. The compiled part quotes what follows."""


def config_text(config: Json | None, settings: Mapping[str, object], odd: list[Problem] | None = None) -> str:
    """The JSON text of a configuration that is given as a mapping, or setting by setting.

    A value that JSON does not have is added to ``odd``, or raised where there is no such list.
    """
    plain = _Plain(odd)
    if config is not None:
        return json.dumps(plain.of(config, "."))
    given = {name: value for name, value in settings.items() if value is not None}
    return json.dumps({_camel(name): plain.of(value, name) for name, value in given.items()})


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.title() for word in rest)


class _Plain:
    """Values in terms of JSON, with paths as the caller has written them."""

    def __init__(self, odd: list[Problem] | None) -> None:
        self._odd = odd

    def of(self, value: object, path: str) -> object:
        """The value, or what stands for one that JSON does not have."""
        if isinstance(value, Share):
            return "share" if value.hosts is None else {"share": self.of(value.hosts, _below(path, "hosts"))}
        if isinstance(value, Settings):
            plain = self._fields(value, path)
            return plain if value._case is None else {value._case: plain}
        if isinstance(value, timedelta):
            return _ms(value)
        if isinstance(value, float) and not math.isfinite(value):
            return self._odd_one(value, path, "a finite number")
        if value is None or isinstance(value, (bool, int, float, str)):
            return value
        if isinstance(value, Mapping):
            return self._members(cast("Mapping[object, object]", value), path)
        if isinstance(value, Sequence) and not isinstance(value, (bytes, bytearray)):
            items = cast("Sequence[object]", value)
            return [self.of(item, f"{path.rstrip('.')}[{index}]") for index, item in enumerate(items)]
        return self._odd_one(value, path, "a setting")

    def _fields(self, value: object, path: str) -> object:
        if not is_dataclass(value):
            return self._odd_one(value, path, "a setting")
        given = [(each.name, getattr(value, each.name)) for each in fields(value)]
        return {_camel(name): self.of(part, _below(path, name)) for name, part in given if part is not None}

    def _members(self, value: Mapping[object, object], path: str) -> object:
        members: dict[str, object] = {}
        for name, part in value.items():
            if isinstance(name, str):
                members[name] = self.of(part, _below(path, name))
            else:
                self._odd_one(name, _below(path, str(name)), "a name that is text")
        return members

    def _odd_one(self, value: object, path: str, allowed: str) -> str:
        problem = Problem(path, f"{path} is {value!r}, must be {allowed}", repr(value), allowed)
        if self._odd is None:
            raise ConfigError([problem])
        self._odd.append(problem)
        return NO_JSON + repr(value)


def _below(path: str, name: str) -> str:
    return name if path == "." else f"{path}.{name}"
