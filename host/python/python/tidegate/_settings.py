"""Settings as both faces are given them, and the text that they become."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from tidegate._config import ErrorPattern, Json, Lease, Limit, OnLimit, Trip, WhenAway, config_text
from tidegate._rules import Rules, class_name
from tidegate._tidegate import Decision


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


def limiter_text(
    config: Json | str,
    limit: Limit | None,
    limits: Sequence[Limit] | None,
    on_limit: OnLimit | None,
    lease: Lease | None,
    when_away: WhenAway | None,
) -> str:
    """The JSON text of a limiter's settings."""
    if not isinstance(config, str):
        refuse_settings(
            {"limit": limit, "limits": limits, "on_limit": on_limit, "lease": lease, "when_away": when_away}
        )
        return config_text(config, {})
    all_limits = list(limits or ())
    if limit is not None:
        all_limits.insert(0, limit)
    settings = {"name": config, "limits": all_limits, "on_limit": on_limit, "lease": lease, "when_away": when_away}
    return config_text(None, settings)


RULES = ("timeout_ms", "failure_of", "failure_if")
"""What of a breaker's settings is of this handle alone, and no part of the circuit's."""


def breaker_parts(config: Json | str, settings: dict[str, Any]) -> tuple[str, Rules]:
    """The JSON text of a breaker's settings, and the rules by which the handle's calls go."""
    own = {name: settings.pop(name) for name in RULES if name in settings}
    classes: list[type[BaseException]] = []
    for name in ("monitored", "ignored"):
        if settings.get(name) is not None:
            settings[name] = [_pattern(each, classes) for each in settings[name]]
    return breaker_text(config, settings), Rules(classes=tuple(classes)).but(**own)


def _pattern(pattern: object, classes: list[type[BaseException]]) -> object:
    """A pattern for a class of exceptions is its full name; a failure goes by the names of the classes it is one of."""
    cls: Any = pattern
    if not (isinstance(cls, type) and issubclass(cls, BaseException)):
        return pattern
    if cls not in classes:
        classes.append(cls)
    return ErrorPattern(class_name(cls), part="name")


def breaker_text(config: Json | str, settings: dict[str, Any]) -> str:
    """The JSON text of a breaker's settings."""
    if not isinstance(config, str):
        refuse_settings(settings)
        return config_text(config, {})
    consecutive = settings.pop("consecutive", None)
    if consecutive is not None:
        if settings.get("trip") is not None:
            message = "consecutive is short for trip=Trip(consecutive=...); give one of the two"
            raise TypeError(message)
        settings["trip"] = Trip(consecutive=consecutive)
    return config_text(None, {"name": config, **settings})


def refuse_settings(settings: dict[str, Any]) -> None:
    """A mapping has all settings."""
    given = [name for name, value in settings.items() if value is not None]
    if given:
        message = f"{', '.join(given)} must be in the mapping, where the settings are given by one"
        raise TypeError(message)
