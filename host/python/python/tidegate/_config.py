"""Settings: values to write in Python, and the JSON that every host reads."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass, replace
from datetime import timedelta
from typing import Any, Literal, TypeAlias, cast

from tidegate._errors import ConfigError, Problem

WindowUnit: TypeAlias = Literal["millisecond", "second", "minute", "hour", "day"]
"""A unit of a window's length."""

Others: TypeAlias = Literal["ignored", "success"]
"""What an error counts as that is not monitored."""
Mode: TypeAlias = Literal["normal", "forced-open", "forced-closed", "disabled", "metrics-only"]
"""What the operator of a circuit has ordered."""

Time: TypeAlias = int | timedelta
"""Milliseconds, or a `timedelta`, which is rounded up to whole milliseconds."""


def _ms(time: Time) -> int:
    if isinstance(time, timedelta):
        return -((-time) // timedelta(milliseconds=1))
    return time


class _Settings:
    """Settings whose JSON is their fields in camelCase, without those that are None."""


@dataclass(frozen=True)
class Share(_Settings):
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


@dataclass(frozen=True)
class SlidingWindow(_Settings):
    """``A(W) <= L``: a strict sliding window in bounded state, and the default.

    Permits that follow each other are a group, which leaves ``W`` after its last permit; it ends after
    ``W / sub_windows`` or ``L / 128`` permits, whichever is first. Below 256 that is each permit, so it admits exactly
    what ``SlidingLog`` does; above, by the default, at least 0.985 of that.
    """

    sub_windows: int = 64
    """1 to 100."""
    name: Literal["sliding-window"] = field(default="sliding-window", init=False, repr=False)


@dataclass(frozen=True)
class Gcra(_Settings):
    """``A(D) <= burst + D * L / W``: the generic cell rate algorithm. With a burst of 1, permits are evenly spaced."""

    burst: int | None = None
    """Permits that an idle key can spend at once; by default the limit."""
    name: Literal["gcra"] = field(default="gcra", init=False, repr=False)


@dataclass(frozen=True)
class TokenBucket(_Settings):
    """``A(D) <= burst + D * L / W``: a bucket of tokens that refills continuously. Decides as `Gcra` does."""

    burst: int | None = None
    """Permits that an idle key can spend at once; by default the limit."""
    name: Literal["token-bucket"] = field(default="token-bucket", init=False, repr=False)


@dataclass(frozen=True)
class FixedWindow(_Settings):
    """``A(W) <= L`` in each window aligned to 1970, so ``A(W) <= 2 * L``."""

    name: Literal["fixed-window"] = field(default="fixed-window", init=False, repr=False)


@dataclass(frozen=True)
class SlidingWindowCounter(_Settings):
    """Aligned windows, weighted with the one before: ``A(W) <= 2 * L - 1``, and close to L for even traffic."""

    name: Literal["sliding-window-counter"] = field(default="sliding-window-counter", init=False, repr=False)


@dataclass(frozen=True)
class SlidingLog(_Settings):
    """``A(W) <= L``, each permit coming back exactly W after it was given; L is at most 10,000."""

    name: Literal["sliding-log"] = field(default="sliding-log", init=False, repr=False)


Algorithm: TypeAlias = SlidingWindow | Gcra | TokenBucket | FixedWindow | SlidingWindowCounter | SlidingLog
"""How permits are counted. A(D) is the number of permits in any span of time of length D, W the window, L the limit."""


@dataclass(frozen=True)
class Limit(_Settings):
    """At most ``limit`` permits in a window of ``window_count`` units."""

    limit: int
    """Permits; 0 to 4,294,967,295. For `Gcra` and `TokenBucket` at most 1,000,000 in a second.

    0: every call is denied, and told no time to come back at."""
    window: WindowUnit
    """The unit of the window's length."""
    window_count: int = 1
    """How many units. The window is 1 ms to 366 days."""
    algorithm: Algorithm = SlidingWindow()
    """How permits are counted."""

    @classmethod
    def per_second(cls, limit: int) -> Limit:
        """At most N permits in every second."""
        return cls(limit, "second")

    @classmethod
    def per_minute(cls, limit: int) -> Limit:
        """At most N permits in every minute."""
        return cls(limit, "minute")

    @classmethod
    def per_hour(cls, limit: int) -> Limit:
        """At most N permits in every hour."""
        return cls(limit, "hour")

    @classmethod
    def per_day(cls, limit: int) -> Limit:
        """At most N permits in every day of 24 hours."""
        return cls(limit, "day")

    @classmethod
    def per(cls, limit: int, window: Time) -> Limit:
        """At most N permits in every window."""
        return cls(limit, "millisecond", _ms(window))

    def by(self, algorithm: Algorithm) -> Limit:
        """Counted by another algorithm."""
        return replace(self, algorithm=algorithm)


@dataclass(frozen=True)
class Reject(_Settings):
    """A call over the limit is denied."""

    behavior: Literal["reject"] = field(default="reject", init=False, repr=False)


@dataclass(frozen=True)
class Delay(_Settings):
    """A call over the limit is given the next free place, and goes then."""

    max_wait_ms: Time
    """The longest wait; beyond it the call is denied; 1 to 86,400,000 ms."""
    behavior: Literal["delay"] = field(default="delay", init=False, repr=False)


@dataclass(frozen=True)
class Queue(_Settings):
    """A call over the limit waits in a queue shared by all hosts: higher priority first, then who came first."""

    max_size: int
    """How many may wait; 1 to 10,000."""
    timeout_ms: Time
    """How long one may wait; 1 to 86,400,000 ms."""
    grace_ms: Time | None = None
    """A waiter that is later than this at the time it was told is passed over until it comes; by default 1,000 ms or
    ``timeout_ms``, the less."""
    behavior: Literal["queue"] = field(default="queue", init=False, repr=False)


OnLimit: TypeAlias = Reject | Delay | Queue
"""What happens to a call that is over a limit."""


@dataclass(frozen=True)
class Lease(_Settings):
    """Permits that a host takes from the shared limits in one charge and spends on its own, without a round trip each.

    How many it takes adapts to the key, and what is left when a lease ends is given back. Leases never over-admit. All
    hosts of a limiter must be configured alike. Only with `Reject`; on the memory store no lease is taken.
    """

    max_permits: int
    """The most permits that a host takes at once; 2 to 1,000,000."""
    life_ms: Time
    """How long it may hold them; 1 to 60,000 ms."""


@dataclass(frozen=True)
class FailureCount(_Settings):
    """Open after this many failures within a time."""

    count: int
    """How many; 1 to 1,000."""
    within_ms: Time
    """Within which time; 1 to 86,400,000 ms. Exact: each failure leaves at its own age."""


@dataclass(frozen=True)
class SlowRate(_Settings):
    """Open at a share of slow calls."""

    percent: float
    """In percent of the sample; more than 0, at most 100."""
    slower_than_ms: Time
    """A call is slow when it took at least this long; 1 to 86,400,000 ms."""


@dataclass(frozen=True)
class SampleWindow(_Settings):
    """Rates are taken over the calls whose outcome came in the last N milliseconds; 100 to 86,400,000."""

    window_ms: Time


@dataclass(frozen=True)
class SampleCalls(_Settings):
    """Rates are taken over the last N calls; 1 to 1,000."""

    calls: int


@dataclass(frozen=True)
class Trip(_Settings):
    """When a closed circuit opens: on the first rule met, in the order of the fields. At least one is needed."""

    failures: FailureCount | None = None
    """After this many failures within a time."""
    consecutive: int | None = None
    """After this many failures with no success between them; 1 to 1,000,000."""
    failure_rate_percent: float | None = None
    """At this share of failed calls in the sample; more than 0, at most 100."""
    slow_rate: SlowRate | None = None
    """At a share of slow calls in the sample."""
    sample: SampleWindow | SampleCalls | None = None
    """What the rates are taken over; by default the last 60 seconds."""
    minimum_calls: int | None = None
    """No rate opens the circuit before the sample holds this many calls; by default 10."""


@dataclass(frozen=True)
class Backoff(_Settings):
    """How the open time grows when a probe has failed again."""

    factor: float
    """Each reopening multiplies the open time by this; 1 to 100."""
    cap_ms: Time
    """It never grows past this; at least ``open_ms``, at most 30 days."""


@dataclass(frozen=True)
class ProbeRatio(_Settings):
    """N probes decide.

    Of them ``successes`` close the circuit, and it opens again as soon as too many have failed for that.
    """

    of: int
    """How many; ``successes`` to 1,000,000."""


@dataclass(frozen=True)
class ProbeRate(_Settings):
    """The failure rate of this many probes decides. ``successes`` means nothing."""

    percent: float
    """The circuit opens again at this share of failed probes, and else closes; more than 0, at most 100."""
    of: int
    """How many probes must have ended before; 1 to 1,000,000."""


ProbeRule: TypeAlias = Literal["first-failure"] | ProbeRatio | ProbeRate
"""What ends the half-open state. A probe that was given up, or whose error is ignored, has not ended."""


@dataclass(frozen=True)
class HalfOpen(_Settings):
    """What a half-open circuit admits, and what ends it."""

    probes: int = 1
    """Probes in flight at once; 1 to 1,000. By `ProbeRatio` and `ProbeRate` never more than are still to end."""
    successes: int = 1
    """Successes that close the circuit; 1 to 1,000,000."""
    permit_ms: Time = 60_000
    """A probe whose outcome has not come after this time is given up; 1 to 86,400,000 ms."""
    rule: ProbeRule = "first-failure"
    """What closes the circuit or opens it again: ``successes`` or the first failure, or how many probes do."""


@dataclass(frozen=True)
class ErrorPattern(_Settings):
    """A pattern for the whole of a text of an error or of one of its causes, case and all.

    ``*`` stands for any text, ``?`` for any one character, and a backslash takes the next character as it is.
    """

    pattern: str
    """1 to 1,024 bytes."""
    part: Literal["any", "name", "message", "code", "status"] = "any"
    """Which text of an error is matched: the name of its class, its message, its code, its status, or any of them."""


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
        if isinstance(value, (ProbeRatio, ProbeRate)):
            return {"ratio" if isinstance(value, ProbeRatio) else "rate": self._fields(value, path)}
        if isinstance(value, _Settings):
            return self._fields(value, path)
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
