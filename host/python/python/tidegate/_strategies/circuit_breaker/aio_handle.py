"""Circuit breakers for asyncio, and the functions whose calls go through them."""

from __future__ import annotations

import functools
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, ParamSpec, TypeVar, cast, overload

from tidegate._kinds import fit_for_tasks, kind_of
from tidegate._passed_on import passed_on
from tidegate._strategies.circuit_breaker.aio_circuit import CircuitMethods
from tidegate._strategies.circuit_breaker.aio_guard import GuardedStream, UnderWay, end, run
from tidegate._strategies.circuit_breaker.rules import FailureIf, FailureOf
from tidegate._tidegate import CircuitReport

P = ParamSpec("P")
R = TypeVar("R")
Y = TypeVar("Y")
S = TypeVar("S")


class CircuitBreaker(CircuitMethods):
    """A handle on a circuit, to be shared between tasks. It holds no state of the circuit."""

    def keyed(self, key: str) -> CircuitBreaker:
        """The circuit of the same settings for a key, such as one host of several."""
        return CircuitBreaker(self._core.keyed(key), self._gate, self._rules)

    @asynccontextmanager
    async def permit(
        self,
        *,
        timeout_ms: float | timedelta | None = None,
        failure_of: FailureOf | None = None,
        count_refusals: bool | None = None,
    ) -> AsyncGenerator[CircuitReport]:
        """A block that is a call through the circuit: `CircuitOpenError` where it is refused, else its outcome counts.

        An `Exception` counts as a failure, any other way out, such as a cancelled task, as a call that was given up.
        After ``timeout_ms`` the block is cancelled and ends in `CallTimeoutError`, a failure. What is given here counts
        before what the handle was opened with: see `CircuitBreaker.__call__`.
        """
        rules = self._rules.but(timeout_ms=timeout_ms, failure_of=failure_of, count_refusals=count_refusals)
        flight, settling, report = await self._enter(rules)
        try:
            with UnderWay(flight):
                yield report
        except BaseException as error:
            await end(flight, settling, error)
            raise
        await settling.settle_later(flight.ends(), flight.elapsed_ms())

    async def call(self, function: Callable[P, Awaitable[R]], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """Calls a function through the circuit, as in a `permit` block, and gives what it gives when awaited.

        An async iterator in place of that is guarded to its end. A reader who stops early has given the call up: see
        `cancelled`.
        """
        fit_for_tasks(function)
        flight, settling, _ = await self._enter(self._rules)
        return await run(flight, settling, function, *args, **kwargs)

    @overload
    def wrap(self, function: Callable[P, Awaitable[R]]) -> Callable[P, Coroutine[Any, Any, R]]: ...

    @overload
    def wrap(self, function: Callable[P, AsyncGenerator[Y, S]]) -> Callable[P, AsyncGenerator[Y, S]]: ...

    @overload
    def wrap(self, function: Callable[P, AsyncIterator[Y]]) -> Callable[P, AsyncIterator[Y]]: ...

    def wrap(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, each call of which goes through the circuit. An async generator is guarded to its end."""
        fit_for_tasks(function)
        is_stream = kind_of(function) == "async-generator"
        return self._wrap_generator(function) if is_stream else self._wrap_function(function)

    @overload
    def __call__(self, function: Callable[P, Awaitable[R]], /) -> Callable[P, Coroutine[Any, Any, R]]: ...

    @overload
    def __call__(self, function: Callable[P, AsyncGenerator[Y, S]], /) -> Callable[P, AsyncGenerator[Y, S]]: ...

    @overload
    def __call__(self, function: Callable[P, AsyncIterator[Y]], /) -> Callable[P, AsyncIterator[Y]]: ...

    @overload
    def __call__(
        self,
        *,
        timeout_ms: float | timedelta | None = ...,
        failure_of: FailureOf | None = ...,
        failure_if: FailureIf | None = ...,
        count_refusals: bool | None = ...,
    ) -> CircuitBreaker: ...

    def __call__(
        self,
        *function: Any,
        timeout_ms: float | timedelta | None = None,
        failure_of: FailureOf | None = None,
        failure_if: FailureIf | None = None,
        count_refusals: bool | None = None,
    ) -> Any:
        """A decorator: `wrap`. Without a function, a handle on the same circuit whose calls go by other rules.

        ``breaker(timeout_ms=500).call(fetch)`` and ``@breaker(timeout_ms=500)``: after how long a call is cancelled,
        which is a failure and ends in `CallTimeoutError`; ``failure_of``, what an exception counts by; ``failure_if``,
        which results are failures, such as `http_failure`; ``count_refusals``, whether refusals of limiters and of
        other circuits inside are failures.
        """
        if function:
            return cast("Any", self).wrap(*function)
        rules = self._rules.but(
            timeout_ms=timeout_ms, failure_of=failure_of, failure_if=failure_if, count_refusals=count_refusals
        )
        return CircuitBreaker(self._core, self._gate, rules)

    def _wrap_function(self, function: Callable[P, Awaitable[R]]) -> Callable[P, Coroutine[Any, Any, R]]:
        @functools.wraps(function)
        async def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
            flight, settling, _ = await self._enter(self._rules)
            return await run(flight, settling, function, *args, **kwargs)

        return guarded

    def _wrap_generator(self, function: Callable[P, AsyncGenerator[Any, Any]]) -> Callable[P, AsyncGenerator[Any, Any]]:
        async def opened(*args: P.args, **kwargs: P.kwargs) -> AsyncGenerator[Any, Any]:
            flight, settling, _ = await self._enter(self._rules)
            return GuardedStream(flight, settling, function(*args, **kwargs))

        return passed_on(function, opened)
