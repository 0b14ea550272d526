"""Opens circuit breakers by the settings as both faces are given them."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from typing import Any

from tidegate._config import Json
from tidegate._settings import as_dict, keyword, opened, refuse_settings
from tidegate._strategies.circuit_breaker.config import ErrorPattern, Trip
from tidegate._strategies.circuit_breaker.rules import Rules, class_name
from tidegate._tidegate import CircuitBreaker, Gate

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
        breaker = opened(gate.circuit_breaker, config, {}, {})
    else:
        breaker = opened(gate.circuit_breaker, config, *_short(settings))
    for path, doubt in breaker.doubts():
        # Told to who opens it: this function is called by a method of the gate.
        warnings.warn(f"{path if isinstance(config, Mapping) else keyword(path)} {doubt}", stacklevel=3)
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
