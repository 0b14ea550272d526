"""Functions whose calls wait for permits, for threads: the part of a limiter that decorates."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from tidegate import _tidegate as _core
from tidegate._pickling import Uncopied
from tidegate._strategies.rate_limiter.limiting import Limited

P = ParamSpec("P")
R = TypeVar("R")


class LimitMethods(Uncopied):
    """The part of a limiter that has to do with functions."""

    _core: _core.RateLimiter

    def limit(
        self, key: str | Callable[..., str], *, cost: int = 1, priority: int = 0
    ) -> Callable[[Callable[P, R]], Callable[P, R]]:
        """A decorator: each call of the function waits for permits of a key, which may be made of its arguments.

        A coroutine function waits as with `tidegate.aio`, and a generator before its first item.
        """
        limited = Limited(self._core, key, cost, priority)

        def decorate(function: Callable[P, R]) -> Callable[P, R]:
            return limited.for_threads(function)

        return decorate

    def wrap(
        self, function: Callable[P, R], key: str | Callable[..., str], *, cost: int = 1, priority: int = 0
    ) -> Callable[P, R]:
        """The function with `limit` applied."""
        return self.limit(key, cost=cost, priority=priority)(function)
