"""Circuit breakers for asyncio."""

from __future__ import annotations

import functools
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, ParamSpec, TypeVar, cast, overload

from tidegate import _tidegate as _core
from tidegate._aio_guard import GuardedStream, UnderWay, end, run
from tidegate._breaker_base import CircuitBreakerBase
from tidegate._config import Mode
from tidegate._errors import CircuitOpenError
from tidegate._failure import Failure
from tidegate._flight import Flight
from tidegate._kinds import kind_of, refuse_generator
from tidegate._loops import hear, hear_out
from tidegate._rules import FailureIf, FailureOf, Rules
from tidegate._settling import Settling
from tidegate._tidegate import CircuitReport, Permit

P = ParamSpec("P")
R = TypeVar("R")
Y = TypeVar("Y")
S = TypeVar("S")


class CircuitBreaker(CircuitBreakerBase):
    """A handle on a circuit, to be shared between tasks. It holds no state of the circuit."""

    def keyed(self, key: str) -> CircuitBreaker:
        """The circuit of the same settings for a key, such as one host of several."""
        return CircuitBreaker(self._core.keyed(key), self._gate, self._rules)

    async def admit(self) -> CircuitReport:
        """Asks to make a call: see ``is_admitted``.

        Whoever is admitted hands the permit back with the outcome, by `succeeded`, `failed` or `cancelled`; `permit`
        and `call` do all that. Raises `StoreError` and `ContendedError` with a shared store.
        """
        return await _report(self._core.start_admit())

    async def succeeded(self, permit: Permit, *, elapsed_ms: float) -> CircuitReport:
        """The call succeeded. While the circuit is closed, a shared store is told in the background."""
        return await _recorded(self._core.start_succeeded(permit, elapsed_ms))

    async def failed(self, permit: Permit, failure: Failure | BaseException, *, elapsed_ms: float) -> CircuitReport:
        """The call failed. When this returns, every host sees it."""
        return await _recorded(self._core.start_failed(permit, elapsed_ms, self._texts(failure)))

    async def cancelled(self, permit: Permit, *, elapsed_ms: float = 0) -> CircuitReport:
        """The call was not made, or was given up after a time: no outcome.

        Where there is a ``slow_rate`` and it took at least that long, it counts as slow; a slow probe has failed.
        """
        return await _recorded(self._core.start_cancelled(permit, elapsed_ms))

    async def status(self) -> CircuitReport:
        """Reads the circuit and changes nothing."""
        return await _report(self._core.start_status())

    async def set_mode(self, mode: Mode) -> CircuitReport:
        """Orders a mode for all hosts; ``normal`` takes the order back."""
        return await _report(self._core.start_set_mode(mode))

    async def reset(self) -> CircuitReport:
        """Closes the circuit and clears its counts and back-off. An ordered mode stays."""
        return await _report(self._core.start_reset())

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
        if kind_of(function) == "generator":
            refuse_generator(function)
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
        kind = kind_of(function)
        if kind == "generator":
            refuse_generator(function)
        return self._wrap_generator(function) if kind == "async-generator" else self._wrap_function(function)

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
        @functools.wraps(function)
        async def guarded(*args: P.args, **kwargs: P.kwargs) -> AsyncGenerator[Any, Any]:
            flight, settling, _ = await self._enter(self._rules)
            stream = GuardedStream(flight, settling, function(*args, **kwargs))
            try:
                item = await anext(stream)
                while True:
                    try:
                        sent = yield item
                    except GeneratorExit:
                        raise
                    except BaseException as thrown:  # noqa: BLE001 - it goes on to the generator.
                        item = await stream.athrow(thrown)
                    else:
                        item = await stream.asend(sent)
            except StopAsyncIteration:
                return
            finally:
                await stream.aclose()

        return guarded

    async def _enter(self, rules: Rules) -> tuple[Flight, Settling, CircuitReport]:
        riding = self._riding(rules)
        if riding is not None:
            return riding
        report = await _report(self._core.start_admit())
        if not report.is_admitted:
            raise CircuitOpenError(self.name, report)
        return self._admitted(rules, report)


async def _report(answer: CircuitReport | _core.Pending[CircuitReport]) -> CircuitReport:
    return answer if isinstance(answer, CircuitReport) else await hear(answer)


async def _recorded(answer: CircuitReport | _core.Pending[CircuitReport]) -> CircuitReport:
    return answer if isinstance(answer, CircuitReport) else await hear_out(answer)
