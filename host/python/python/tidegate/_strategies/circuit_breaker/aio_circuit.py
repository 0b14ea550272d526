"""What circuit breakers ask their circuits and tell them, for asyncio."""

from __future__ import annotations

from tidegate._loops import heard, heard_out
from tidegate._strategies.circuit_breaker.base import CircuitBreakerBase
from tidegate._strategies.circuit_breaker.config import Mode
from tidegate._strategies.circuit_breaker.errors import CircuitOpenError
from tidegate._strategies.circuit_breaker.failure import Failure
from tidegate._strategies.circuit_breaker.flight import Flight
from tidegate._strategies.circuit_breaker.rules import Rules
from tidegate._strategies.circuit_breaker.settling import Settling
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

    async def _enter(self, rules: Rules) -> tuple[Flight, Settling, CircuitReport]:
        riding = self._riding(rules)
        if riding is not None:
            return riding
        report = await heard(self._core.start_admit())
        if not report.is_admitted:
            raise CircuitOpenError(self.name, report)
        return self._admitted(rules, report)
