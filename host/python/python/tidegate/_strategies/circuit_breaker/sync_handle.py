"""Circuit breakers for threads, and the functions whose calls go through them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, cast, overload

from tidegate._kinds import kind_of
from tidegate._strategies.circuit_breaker.rules import FailureIf, FailureOf
from tidegate._strategies.circuit_breaker.sync_circuit import CircuitMethods
from tidegate._strategies.circuit_breaker.sync_guard import GuardedItems, end, run
from tidegate._tidegate import CircuitReport

if TYPE_CHECKING:
    from tidegate._strategies.circuit_breaker.aio_handle import CircuitBreaker as AioCircuitBreaker

P = ParamSpec("P")
R = TypeVar("R")


class CircuitBreaker(CircuitMethods):
    """A handle on a circuit, to be shared between threads. It holds no state of the circuit."""

    def keyed(self, key: str) -> CircuitBreaker:
        """The circuit of the same settings for a key, such as one host of several."""
        return CircuitBreaker(self._core.keyed(key), self._gate, self._rules)

    @contextmanager
    def permit(
        self,
        *,
        timeout_ms: float | timedelta | None = None,
        failure_of: FailureOf | None = None,
        count_refusals: bool | None = None,
    ) -> Generator[CircuitReport]:
        """A block that is a call through the circuit: `CircuitOpenError` where it is refused, else its outcome counts.

        An `Exception` counts as a failure, any other way out, such as Ctrl-C, as a call that was given up. What is
        given here counts before what the handle was opened with: see `CircuitBreaker.__call__`.
        """
        rules = self._rules.but(timeout_ms=timeout_ms, failure_of=failure_of, count_refusals=count_refusals)
        flight, settling, report = self._enter(rules)
        flight.go_on()
        try:
            yield report
        except BaseException as error:
            end(flight, settling, error)
            raise
        flight.rest()
        settling.settle(flight.ends(), flight.elapsed_ms())

    def call(self, function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """Calls a function through the circuit, as in a `permit` block, and gives back what it returns.

        What works later is guarded as what it is: a coroutine function as by `tidegate.aio`, a generator to its end.
        A reader who stops early has given the call up: see `cancelled`.
        """
        if kind_of(function) != "plain":
            return self.wrap(function)(*args, **kwargs)
        flight, settling, _ = self._enter(self._rules)
        return run(flight, settling, function, *args, **kwargs)

    def wrap(self, function: Callable[P, R]) -> Callable[P, R]:
        """The function, each call of which goes through the circuit: see `call`."""
        kind = kind_of(function)
        if kind in ("coroutine", "async-generator"):
            return cast("Callable[P, R]", _for_asyncio(self).wrap(cast("Any", function)))
        return self._wrap_generator(function) if kind == "generator" else self._wrap_function(function)

    @overload
    def __call__(self, function: Callable[P, R], /) -> Callable[P, R]: ...

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

        ``breaker(timeout_ms=500).call(fetch)`` and ``@breaker(timeout_ms=500)``: how long a call may take. A function
        in a thread cannot be stopped, so it has to ask `remaining_s`; one that takes longer counts as a failure, and
        its caller still gets its result or error. ``failure_of``, what an exception counts by; ``failure_if``, which
        results are failures, such as `http_failure`; ``count_refusals``, whether refusals of limiters and of other
        circuits inside are failures.
        """
        if function:
            return self.wrap(*function)
        rules = self._rules.but(
            timeout_ms=timeout_ms, failure_of=failure_of, failure_if=failure_if, count_refusals=count_refusals
        )
        return CircuitBreaker(self._core, self._gate, rules)

    def _wrap_function(self, function: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(function)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
            flight, settling, _ = self._enter(self._rules)
            return run(flight, settling, function, *args, **kwargs)

        return guarded

    def _wrap_generator(self, function: Callable[P, Any]) -> Callable[P, Any]:
        @functools.wraps(function)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> Generator[Any, Any, Any]:
            flight, settling, _ = self._enter(self._rules)
            items = function(*args, **kwargs)
            return (yield from GuardedItems(flight, settling, items))

        return guarded


def _for_asyncio(breaker: CircuitBreaker) -> AioCircuitBreaker:
    """The same handle for functions that are awaited."""
    from tidegate._strategies.circuit_breaker.aio_handle import (
        CircuitBreaker as AioCircuitBreaker,  # Not above: see `tidegate.__getattr__`.
    )

    return AioCircuitBreaker(breaker._core, breaker._gate, breaker._rules)
