"""Functions whose calls wait for permits, for asyncio: the part of a limiter that decorates."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Coroutine
from typing import Any, ParamSpec, TypeVar, overload

from tidegate import _tidegate as _core
from tidegate._pickling import Uncopied
from tidegate._strategies.rate_limiter.limiting import Limited

P = ParamSpec("P")
R = TypeVar("R")
Y = TypeVar("Y")
S = TypeVar("S")


class LimitMethods(Uncopied):
    """The part of a limiter that has to do with functions."""

    _core: _core.RateLimiter

    def limit(self, key: str | Callable[..., str], *, cost: int = 1, priority: int = 0) -> Decorator:
        """A decorator: each call of the function waits for permits of a key, which may be made of its arguments.

        An async generator waits before its first item.
        """
        return Decorator(Limited(self._core, key, cost, priority))

    @overload
    def wrap(
        self,
        function: Callable[P, Awaitable[R]],
        key: str | Callable[..., str],
        *,
        cost: int = ...,
        priority: int = ...,
    ) -> Callable[P, Coroutine[Any, Any, R]]: ...

    @overload
    def wrap(
        self,
        function: Callable[P, AsyncGenerator[Y, S]],
        key: str | Callable[..., str],
        *,
        cost: int = ...,
        priority: int = ...,
    ) -> Callable[P, AsyncGenerator[Y, S]]: ...

    @overload
    def wrap(
        self,
        function: Callable[P, AsyncIterator[Y]],
        key: str | Callable[..., str],
        *,
        cost: int = ...,
        priority: int = ...,
    ) -> Callable[P, AsyncIterator[Y]]: ...

    def wrap(
        self, function: Callable[..., Any], key: str | Callable[..., str], *, cost: int = 1, priority: int = 0
    ) -> Callable[..., Any]:
        """The function with `limit` applied."""
        return Limited(self._core, key, cost, priority).for_tasks(function)


class Decorator:
    """What `RateLimiter.limit` decorates functions with."""

    def __init__(self, limited: Limited) -> None:
        """Takes how to wait."""
        self._limited = limited

    @overload
    def __call__(self, function: Callable[P, Awaitable[R]], /) -> Callable[P, Coroutine[Any, Any, R]]: ...

    @overload
    def __call__(self, function: Callable[P, AsyncGenerator[Y, S]], /) -> Callable[P, AsyncGenerator[Y, S]]: ...

    @overload
    def __call__(self, function: Callable[P, AsyncIterator[Y]], /) -> Callable[P, AsyncIterator[Y]]: ...

    def __call__(self, function: Callable[..., Any], /) -> Callable[..., Any]:
        """The function with a wait before each call."""
        return self._limited.for_tasks(function)
