"""Settings as both faces are given them, and the text that they become."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from tidegate._config import Json, config_text
from tidegate._errors import ConfigError, Problem


def as_dict(text: str) -> dict[str, Any]:
    """Settings as JSON has them."""
    settings: dict[str, Any] = json.loads(text)
    return settings


H = TypeVar("H")


def opened(
    opener: Callable[[str, bool], H], config: Json | str, settings: dict[str, Any], renamed: Mapping[str, str]
) -> H:
    """What is opened by settings; else one error with all that is wrong, by the names that the caller has used."""
    odd: list[Problem] = []
    if isinstance(config, str):
        text, is_mapping = config_text(None, {"name": config, **settings}, odd), False
    else:
        text, is_mapping = config_text(config, {}, odd), True
    try:
        handle = opener(text, is_mapping)
    except ConfigError as error:
        problems = [_as_written(problem, renamed) for problem in error.problems]
        told = {problem.path for problem in problems}
        problems += [problem for problem in odd if problem.path not in told]
        raise ConfigError(problems, config if isinstance(config, str) else error.name) from None
    if odd:
        raise ConfigError(odd, config if isinstance(config, str) else None)
    return handle


_KEYWORDS = [
    (re.compile(r"^when_away\.share$"), "when_away.hosts"),
    # The case of a setting is a class of its own.
    (re.compile(r"^half_open\.rule\.(?:ratio|rate)\b"), "half_open.rule"),
]
"""Where a keyword is not called as in JSON."""


def keyword(path: str) -> str:
    """A path in JSON as one who gives settings one by one has written it."""
    for pattern, name in _KEYWORDS:
        path = pattern.sub(name, path)
    return path


def _as_written(problem: Problem, renamed: Mapping[str, str]) -> Problem:
    path, allowed = keyword(problem.path), problem.allowed
    for name, written in renamed.items():
        if path == name or path.startswith((f"{name}.", f"{name}[")):
            path = written + path[len(name) :]
            break
    if allowed is None:
        return replace(problem, path=path)
    allowed = re.sub(r"limits\[\d+\]", lambda found: renamed.get(found[0], found[0]), allowed)
    return Problem(path, f"{path} is {problem.value}, must be {allowed}", problem.value, allowed)


def refuse_settings(config: object, settings: dict[str, Any]) -> None:
    """A mapping has all settings; and what is neither that nor a name has none."""
    if not isinstance(config, Mapping):
        value, allowed = repr(config), "a name or a mapping"
        raise ConfigError([Problem("config", f"config is {value}, must be {allowed}", value, allowed)])
    given = [name for name, value in settings.items() if value is not None]
    if given:
        message = f"{', '.join(given)} must be in the mapping, where the settings are given by one"
        raise TypeError(message)
