"""What circuit breakers ask their circuits and tell them, for asyncio."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta

from tidegate._aio_guard import UnderWay, end
from tidegate._breaker_base import CircuitBreakerBase
from tidegate._config import Mode
from tidegate._errors import CircuitOpenError
from tidegate._failure import Failure
from tidegate._flight import Flight
from tidegate._loops import heard, heard_out
from tidegate._rules import FailureOf, Rules
from tidegate._settling import Settling
from tidegate._tidegate import CircuitReport, Permit


class CircuitMethods(CircuitBreakerBase):
    """The part of a circuit breaker that asks its circuit and tells it outcomes."""

    async def admit(self) -> CircuitReport:
        """Asks to make a call: see ``is_admitted``.

        Whoever is admitted hands the permit back with the outcome, by `succeeded`, `failed` or `cancelled`; `permit`
        and `call` do all that. Raises `StoreError` and `ContendedError` with a shared store.
        """
        return await heard(self._core.start_admit())

    async def succeeded(self, permit: Permit, *, elapsed_ms: float) -> CircuitReport:
        """The call succeeded. While the circuit is closed, a shared store is told in the background."""
        return await heard_out(self._core.start_succeeded(permit, elapsed_ms))

    async def failed(self, permit: Permit, failure: Failure | BaseException, *, elapsed_ms: float) -> CircuitReport:
        """The call failed. When this returns, every host sees it."""
        return await heard_out(self._core.start_failed(permit, elapsed_ms, self._texts(failure)))

    async def cancelled(self, permit: Permit, *, elapsed_ms: float = 0) -> CircuitReport:
        """The call was not made, or was given up after a time: no outcome.

        Where there is a ``slow_rate`` and it took at least that long, it counts as slow; a slow probe has failed.
        """
        return await heard_out(self._core.start_cancelled(permit, elapsed_ms))

    async def status(self) -> CircuitReport:
        """Reads the circuit and changes nothing."""
        return await heard(self._core.start_status())

    async def set_mode(self, mode: Mode) -> CircuitReport:
        """Orders a mode for all hosts; ``normal`` takes the order back."""
        return await heard(self._core.start_set_mode(mode))

    async def reset(self) -> CircuitReport:
        """Closes the circuit and clears its counts and back-off. An ordered mode stays."""
        return await heard(self._core.start_reset())

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

    async def _enter(self, rules: Rules) -> tuple[Flight, Settling, CircuitReport]:
        riding = self._riding(rules)
        if riding is not None:
            return riding
        report = await heard(self._core.start_admit())
        if not report.is_admitted:
            raise CircuitOpenError(self.name, report)
        return self._admitted(rules, report)
