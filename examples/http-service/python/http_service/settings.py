"""The settings, from the environment."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Literal, TypeVar, get_args


def _number(name: str, usual: int) -> int:
    text = os.environ.get(name, str(usual))
    if not text.isdecimal():
        raise ValueError(f"{name} is {text}, must be a whole number from 0")
    return int(text)


Window = Literal["second", "minute", "hour", "day"]
WhenAway = Literal["share", "error"]
T = TypeVar("T", bound=str)


def _one_of(name: str, words: tuple[T, ...]) -> T:
    """One of these words, the first unless set."""
    text = os.environ.get(name, words[0])
    for word in words:
        if word == text:
            return word
    raise ValueError(f"{name} is {text}, must be one of {', '.join(words)}")


@dataclass(frozen=True)
class Settings:
    """What the README of the example lists."""

    upstream_url: str = field(default_factory=lambda: os.environ["UPSTREAM_URL"])
    redis_url: str | None = field(default_factory=lambda: os.environ.get("REDIS_URL"))
    port: int = field(default_factory=lambda: _number("PORT", 0))
    limit: int = field(default_factory=lambda: _number("LIMIT", 10))
    hosts: int = field(default_factory=lambda: _number("HOSTS", 1))
    window: Window = field(default_factory=lambda: _one_of("WINDOW", get_args(Window)))
    when_away: WhenAway = field(default_factory=lambda: _one_of("WHEN_AWAY", get_args(WhenAway)))
    upstream_timeout_ms: int = field(default_factory=lambda: _number("UPSTREAM_TIMEOUT_MS", 1_000))
    open_ms: int = field(default_factory=lambda: _number("OPEN_MS", 1_000))
