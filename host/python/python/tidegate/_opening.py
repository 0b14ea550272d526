"""How a gate is opened: its store, its clock and its options, checked, alike for both faces."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, TypeAlias, cast

from tidegate import _tidegate as _core
from tidegate._config import StoreWatch, watch_parts
from tidegate._errors import ConfigError, Problem

Place: TypeAlias = _core.Memory | _core.Redis | _core.ScriptedStore | str
"""Where state lives: a store, or the URL of a Redis."""

_LEAST = {
    "max_known": 1,
    "max_batch": 1,
    "max_waiting": 1,
    "max_attempts": 1,
    "flush_delay_ms": 0,
    "max_staleness_ms": 0,
}
"""What an option counts, and the least it may be."""


def open_gate(
    store: object, clock: object, options: Mapping[str, Any]
) -> tuple[_core.Gate, _core.Memory | _core.Redis | _core.ScriptedStore | None]:
    """The compiled part of a gate, and its store. Raises `ConfigError` with all that is wrong."""
    problems = [problem for name, least in _LEAST.items() if (problem := _count(name, options[name], least))]
    place, timer = _place(store), clock if isinstance(clock, _core.ManualClock) else None
    if place is None and store is not None:
        allowed = 'a URL such as "redis://127.0.0.1:6379", a Redis or a Memory'
        problems.insert(0, _problem("store", _named(store), allowed))
    if timer is None and clock is not None:
        problems.append(_problem("clock", _named(clock), "a ManualClock"))
    watch = _watch(options["store_watch"], problems)
    paths = {name: _path(name, options[name], problems) for name in ("component_file", "code_cache")}
    if problems:
        raise ConfigError(problems, "the gate")
    parts: dict[str, Any] = {**options, **paths, "store_watch": watch}
    return _core.Gate(place, timer, **parts), place


def _place(store: object) -> _core.Memory | _core.Redis | _core.ScriptedStore | None:
    if isinstance(store, str):
        return _core.Redis(store)
    return store if isinstance(store, (_core.Memory, _core.Redis, _core.ScriptedStore)) else None


def _watch(watch: object, problems: list[Problem]) -> tuple[object, ...] | None:
    if watch is None:
        return None
    if not isinstance(watch, StoreWatch):
        problems.append(_problem("store_watch", repr(watch), "a StoreWatch or None"))
        return None
    parts = watch_parts(watch)
    problems += [problem for name, value in parts if (problem := _count(f"store_watch.{name}", value, 0))]
    return tuple(value for _, value in parts)


def _path(name: str, value: object, problems: list[Problem]) -> object:
    if value is None or (name == "code_cache" and value is False):
        return value
    try:
        path: object = os.fspath(cast("str", value))
    except TypeError:
        path = None
    if not isinstance(path, str):
        problems.append(_problem(name, repr(value), "a path" if name == "component_file" else "a path, or False"))
    return path


def _count(name: str, value: object, least: int) -> Problem | None:
    if value is None or (isinstance(value, int) and not isinstance(value, bool) and least <= value < 1 << 32):
        return None
    return _problem(name, repr(value), f"a whole number from {least} to {(1 << 32) - 1}")


def _named(value: object) -> str:
    # Not as it shows itself, which may hold a password.
    return f"a {type(value).__module__}.{type(value).__qualname__}"


def _problem(path: str, value: str, allowed: str) -> Problem:
    return Problem(path, f"{path} is {value}, must be {allowed}", value, allowed)
