"""Guarded calls for asyncio: a function is awaited, and what it gives is guarded to its end where it works later."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from typing import Any, ParamSpec, TypeVar, cast

from tidegate._kinds import is_stream, refuse_plain
from tidegate._strategies.circuit_breaker.errors import CallTimeoutError
from tidegate._strategies.circuit_breaker.flight import Flight
from tidegate._strategies.circuit_breaker.settling import Settling

P = ParamSpec("P")
R = TypeVar("R")


class TimeLimit:
    """Cancels the task that has started it when the time is over: `asyncio.timeout`, which Python 3.10 has not."""

    def __init__(self, timeout_ms: float) -> None:
        """Starts."""
        task = asyncio.current_task()
        assert task is not None, "only a task can be stopped"
        self._task: asyncio.Task[Any] = task
        self._before = _cancels(task)
        self._is_over = False
        self._timer = asyncio.get_running_loop().call_later(timeout_ms / 1_000, self._stop)

    def _stop(self) -> None:
        self._is_over = True
        self._task.cancel()

    def end(self, error: BaseException | None) -> tuple[bool, bool]:
        """Whether the time was over, and whether that alone is why the task was cancelled."""
        self._timer.cancel()
        if not self._is_over:
            return False, False
        uncancel = getattr(self._task, "uncancel", None)
        others = uncancel() > self._before if uncancel is not None else False
        return True, isinstance(error, asyncio.CancelledError) and not others


def _cancels(task: asyncio.Task[Any]) -> int:
    """How often somebody has cancelled a task; Python 3.10 does not count."""
    count = getattr(task, "cancelling", None)
    return 0 if count is None else count()


class UnderWay:
    """The call's own code runs in this block, as long as its time limit allows."""

    def __init__(self, flight: Flight) -> None:
        """Nothing runs yet."""
        self._flight = flight
        self._limit: TimeLimit | None = None

    def __enter__(self) -> None:
        """It runs from now on."""
        left_ms = self._flight.left_ms()
        if left_ms is not None:
            self._limit = TimeLimit(left_ms)
        self._flight.go_on()

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        """It has ended, or it rests. `CallTimeoutError` where it was stopped."""
        flight = self._flight
        flight.rest()
        if self._limit is None:
            return
        flight.timed_out, alone = self._limit.end(error)
        if alone:
            raise CallTimeoutError(flight.circuit, flight.rules.timeout_ms or 0) from error


async def run(
    flight: Flight, settling: Settling, function: Callable[P, Awaitable[R]], /, *args: P.args, **kwargs: P.kwargs
) -> R:
    """Calls and awaits a function, and brings what that came to."""
    try:
        with UnderWay(flight):
            result: Any = function(*args, **kwargs)
            if inspect.isawaitable(result):
                result = await result
            elif not is_stream(result):
                refuse_plain(function, result)
    except BaseException as error:
        await end(flight, settling, error)
        raise
    if is_stream(result):
        return cast("R", GuardedStream(flight, settling, result))
    await settling.settle_later(flight.succeeds(result), flight.elapsed_ms())
    return cast("R", result)


async def end(flight: Flight, settling: Settling, error: BaseException) -> None:
    """A call has raised."""
    if isinstance(error, GeneratorExit):
        # Nothing can be awaited in a coroutine that is being closed.
        flight.is_given_up()
        settling.settle_unheard(flight.elapsed_ms())
        return
    await settling.settle_later(flight.fails(error), flight.elapsed_ms())


class GuardedStream(AsyncGenerator[Any, Any]):
    """An async generator, or another async iterator, whose end is the outcome of a call.

    Time between items does not count. A reader who stops early has given the call up.
    """

    def __init__(self, flight: Flight, settling: Settling, items: AsyncIterator[Any]) -> None:
        """Takes an iterator of which nothing has been asked yet."""
        self._flight = flight
        self._settling = settling
        self._items = items

    async def __anext__(self) -> Any:
        """The next item."""
        return await self._step(self._items.__anext__)

    async def asend(self, value: Any, /) -> Any:
        """Sends a value into an async generator, for its next item."""
        if value is None:
            return await self.__anext__()
        return await self._step(lambda: cast("AsyncGenerator[Any, Any]", self._items).asend(value))

    async def athrow(self, kind: Any, value: Any = None, _: Any = None, /) -> Any:
        """Raises an error inside an async generator, for its next item."""
        error = kind if isinstance(kind, BaseException) else kind() if value is None else value
        return await self._step(lambda: cast("AsyncGenerator[Any, Any]", self._items).athrow(error))

    async def aclose(self) -> None:
        """Whoever closes it has seen enough: the call was given up."""
        try:
            close = getattr(self._items, "aclose", None)
            if close is not None:
                await close()
        except BaseException as error:
            await self._end(error)
            raise
        if not self._flight.is_over:
            await self._settling.settle_later(self._flight.is_given_up(), self._flight.elapsed_ms())

    def __getattr__(self, name: str) -> Any:
        """Whatever else the iterator can do."""
        return getattr(self._items, name)

    def __del__(self) -> None:
        """One that is forgotten before its end keeps no place."""
        flight: Flight | None = self.__dict__.get("_flight")
        if flight is not None and not flight.is_over:
            flight.is_given_up()
            self._settling.settle_unheard(flight.elapsed_ms())

    async def _step(self, step: Callable[[], Awaitable[Any]]) -> Any:
        if self._flight.is_over:
            return await step()
        try:
            with UnderWay(self._flight):
                return await step()
        except StopAsyncIteration:
            await self._settling.settle_later(self._flight.ends(), self._flight.elapsed_ms())
            raise
        except BaseException as error:
            await self._end(error)
            raise

    async def _end(self, error: BaseException) -> None:
        if not self._flight.is_over:
            await end(self._flight, self._settling, error)
