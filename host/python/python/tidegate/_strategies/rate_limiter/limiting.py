"""Functions whose calls wait for permits of a limiter: coroutine functions without blocking their loop."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Generator
from typing import Any, TypeVar

from tidegate import _tidegate as _core
from tidegate._kinds import is_stream, kind_of, refuse_awaitable, refuse_generator, refuse_plain
from tidegate._passed_on import passed_on
from tidegate._strategies.rate_limiter.opening import charge_of
from tidegate._tidegate import Admission

Key = str | Callable[..., str]

T = TypeVar("T")


class Limited:
    """What a decorator of a limiter makes its calls by."""

    def __init__(self, core: _core.RateLimiter, key: Key, cost: int, priority: int) -> None:
        """Takes the key, which may be made of a call's arguments."""
        self._core, self._key, self._cost, self._priority = core, key, cost, priority

    def for_threads(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function with a wait before each call; a generator's is before its first item."""
        kind = kind_of(function)
        if kind in ("coroutine", "async-generator"):
            return self.for_tasks(function)
        if kind == "generator":
            return self._generator(function)

        @functools.wraps(function)
        def limited(*args: Any, **kwargs: Any) -> Any:
            key = self._key_of(args, kwargs)
            admission = self._core.acquire(key, self._cost, self._priority)
            result = function(*args, **kwargs)
            try:
                refuse_awaitable(function, result)
            except TypeError:
                self._core.refund(key, *charge_of(admission.decision, None, None), self._cost)
                raise
            return result

        return limited

    def for_tasks(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The same for asyncio."""
        kind = kind_of(function)
        if kind == "generator":
            refuse_generator(function)
        if kind == "async-generator":
            return self._async_generator(function)

        @functools.wraps(function)
        async def limited(*args: Any, **kwargs: Any) -> Any:
            key = self._key_of(args, kwargs)
            admission = await self._acquired(key)
            result = function(*args, **kwargs)
            if inspect.isawaitable(result):
                return await result
            if is_stream(result):
                return result
            await self._refunded(key, admission)
            return refuse_plain(function, result)

        return limited

    def _generator(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def limited(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
            self._core.acquire(self._key_of(args, kwargs), self._cost, self._priority)
            items: Generator[Any, Any, Any] = function(*args, **kwargs)
            return (yield from items)

        return limited

    def _async_generator(self, function: Callable[..., Any]) -> Callable[..., Any]:
        async def opened(*args: Any, **kwargs: Any) -> Any:
            await self._acquired(self._key_of(args, kwargs))
            return function(*args, **kwargs)

        return passed_on(function, opened)

    def _key_of(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
        return self._key if isinstance(self._key, str) else self._key(*args, **kwargs)

    async def _acquired(self, key: str) -> Admission:
        answer = self._core.start_acquire(key, self._cost, self._priority)
        return answer if isinstance(answer, Admission) else await _heard(answer)

    async def _refunded(self, key: str, admission: Admission) -> None:
        answer = self._core.start_refund(key, *charge_of(admission.decision, None, None), self._cost)
        if isinstance(answer, _core.Pending):
            await _heard(answer)


async def _heard(pending: _core.Pending[T]) -> T:
    from tidegate._loops import hear  # Not above: see `tidegate.__getattr__`.

    return await hear(pending)
