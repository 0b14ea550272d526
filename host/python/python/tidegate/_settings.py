"""Settings as both faces are given them, and the text that they become."""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar, cast

from tidegate._config import ErrorPattern, Json, Lease, Limit, OnLimit, Trip, WhenAway, config_text
from tidegate._errors import ConfigError, Problem
from tidegate._rules import Rules, class_name
from tidegate._tidegate import CircuitBreaker, Decision, Gate, RateLimiter


def as_dict(text: str) -> dict[str, Any]:
    """Settings as JSON has them."""
    settings: dict[str, Any] = json.loads(text)
    return settings


def charge_of(
    decision: Decision | None, charged_at_us: int | None, full_at_us: int | None
) -> tuple[int | None, int | None, bool]:
    """When permits were charged, when the bucket was due to be full, and whether they were let go without the store."""
    if (decision is None) == (charged_at_us is None):
        message = "give either a decision or its charged_at_us"
        raise TypeError(message)
    if decision is None:
        return charged_at_us, full_at_us, False
    return decision.charged_at_us, decision.full_at_us, decision.degraded and decision.is_allowed


def asks_of(asks: Iterable[str | tuple[str, int]]) -> list[tuple[str, int]]:
    """Keys, each with its cost."""
    return [(ask, 1) if isinstance(ask, str) else ask for ask in asks]


def open_limiter(
    gate: Gate,
    config: Json | str,
    limit: Limit | str | None,
    limits: Sequence[Limit | str] | None,
    on_limit: OnLimit | None,
    lease: Lease | None,
    when_away: WhenAway | None,
) -> RateLimiter:
    """Opens a limiter by the settings as they were given."""
    if not isinstance(config, str):
        refuse_settings(
            config, {"limit": limit, "limits": limits, "on_limit": on_limit, "lease": lease, "when_away": when_away}
        )
        return _opened(gate.rate_limiter, config, {}, {})
    renamed: dict[str, str] = {}
    # Whatever it is: what is no list is told along with all else.
    given = cast("object", limits)
    listed = cast("Sequence[object]", given if isinstance(given, Sequence) else ())
    if limit is not None and (given is None or isinstance(given, Sequence)):
        renamed["limits[0]"] = "limit"
        renamed |= {f"limits[{index + 1}]": f"limits[{index}]" for index in range(len(listed))}
        given = [limit, *listed]
    settings: dict[str, Any] = {"limits": [] if given is None else given, "on_limit": on_limit, "lease": lease}
    settings["when_away"] = when_away
    return _opened(gate.rate_limiter, config, settings, renamed)


H = TypeVar("H")


def _opened(
    opener: Callable[[str, bool], H], config: Json | str, settings: dict[str, Any], renamed: Mapping[str, str]
) -> H:
    """What is opened by settings; else one error with all that is wrong, by the names that the caller has used."""
    odd: list[Problem] = []
    if isinstance(config, str):
        text, is_mapping = config_text(None, {"name": config, **settings}, odd), False
    else:
        text, is_mapping = config_text(config, {}, odd), True
    try:
        opened = opener(text, is_mapping)
    except ConfigError as error:
        problems = [_as_written(problem, renamed) for problem in error.problems]
        told = {problem.path for problem in problems}
        problems += [problem for problem in odd if problem.path not in told]
        raise ConfigError(problems, config if isinstance(config, str) else error.name) from None
    if odd:
        raise ConfigError(odd, config if isinstance(config, str) else None)
    return opened


_KEYWORDS = [
    (re.compile(r"^when_away\.share$"), "when_away.hosts"),
    (re.compile(r"^half_open\.rule\.(?:ratio|rate)\b"), "half_open.rule"),
]
"""Where a keyword is not called as in JSON."""


def _keyword(path: str) -> str:
    for pattern, name in _KEYWORDS:
        path = pattern.sub(name, path)
    return path


def _as_written(problem: Problem, renamed: Mapping[str, str]) -> Problem:
    path, allowed = _keyword(problem.path), problem.allowed
    for name, written in renamed.items():
        if path == name or path.startswith((f"{name}.", f"{name}[")):
            path = written + path[len(name) :]
            break
    if allowed is None:
        return replace(problem, path=path)
    allowed = re.sub(r"limits\[\d+\]", lambda found: renamed.get(found[0], found[0]), allowed)
    return Problem(path, f"{path} is {problem.value}, must be {allowed}", problem.value, allowed)


RULES = ("timeout_ms", "failure_of", "failure_if")
"""What of a breaker's settings is of this handle alone, and no part of the circuit's."""


def open_breaker(gate: Gate, config: Json | str, settings: dict[str, Any]) -> tuple[CircuitBreaker, Rules]:
    """Opens a breaker by the settings as they were given; and the rules by which the handle's calls go."""
    own = {name: settings.pop(name) for name in RULES if name in settings}
    classes: list[type[BaseException]] = []
    for name in ("monitored", "ignored"):
        if isinstance(settings.get(name), Iterable):
            settings[name] = [_pattern(each, classes) for each in settings[name]]
    rules = Rules(classes=tuple(classes)).but(**own)
    if not isinstance(config, str):
        refuse_settings(config, settings)
        breaker = _opened(gate.circuit_breaker, config, {}, {})
    else:
        breaker = _opened(gate.circuit_breaker, config, *_short(settings))
    for path, doubt in breaker.doubts():
        # Told to who opens it: this function is called by a method of the gate.
        warnings.warn(f"{path if isinstance(config, Mapping) else _keyword(path)} {doubt}", stacklevel=3)
    return breaker, rules.but(count_refusals=as_dict(breaker.config_json())["countRefusals"])


def _short(settings: dict[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """The settings without what is short for another, and what that is called."""
    consecutive = settings.pop("consecutive", None)
    if consecutive is None:
        return settings, {}
    if settings.get("trip") is not None:
        message = "consecutive is short for trip=Trip(consecutive=...); give one of the two"
        raise TypeError(message)
    return {**settings, "trip": Trip(consecutive=consecutive)}, {"trip.consecutive": "consecutive"}


def _pattern(pattern: object, classes: list[type[BaseException]]) -> object:
    """A pattern for a class of exceptions is its full name; a failure goes by the names of the classes it is one of."""
    cls: Any = pattern
    if not (isinstance(cls, type) and issubclass(cls, BaseException)):
        return pattern
    if cls not in classes:
        classes.append(cls)
    return ErrorPattern(class_name(cls), part="name")


def refuse_settings(config: object, settings: dict[str, Any]) -> None:
    """A mapping has all settings; and what is neither that nor a name has none."""
    if not isinstance(config, Mapping):
        value, allowed = repr(config), "a name or a mapping"
        raise ConfigError([Problem("config", f"config is {value}, must be {allowed}", value, allowed)])
    given = [name for name, value in settings.items() if value is not None]
    if given:
        message = f"{', '.join(given)} must be in the mapping, where the settings are given by one"
        raise TypeError(message)
