"""Circuit breakers for asyncio."""

from __future__ import annotations

import functools
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, ParamSpec, TypeVar

from tidegate import _tidegate as _core
from tidegate._config import Mode
from tidegate._errors import CircuitOpenError, TidegateError
from tidegate._failure import Failure, errors_of, not_recorded
from tidegate._loops import hear
from tidegate._settings import as_dict
from tidegate._tidegate import CircuitReport, Permit

P = ParamSpec("P")
R = TypeVar("R")


class CircuitBreaker:
    """A handle on a circuit, to be shared between tasks. It holds no state of the circuit."""

    def __init__(self, core: _core.CircuitBreaker, gate: _core.Gate) -> None:
        """See `Tidegate.circuit_breaker`."""
        self._core = core
        self._gate = gate

    @property
    def name(self) -> str:
        """The name in the settings."""
        return self._core.name

    @property
    def key(self) -> str:
        """Which of the circuits of this name; empty: the one without a key."""
        return self._core.key

    @property
    def config(self) -> dict[str, Any]:
        """The settings as JSON has them, defaults included."""
        return as_dict(self._core.config_json())

    def keyed(self, key: str) -> CircuitBreaker:
        """The circuit of the same settings for a key, such as one host of several."""
        return CircuitBreaker(self._core.keyed(key), self._gate)

    async def admit(self) -> CircuitReport:
        """Asks to make a call: see ``is_admitted``.

        Whoever is admitted hands the permit back with the outcome, by `succeeded`, `failed` or `cancelled`; `permit`
        and `call` do all that. Raises `StoreError` and `ContendedError` with a shared store.
        """
        return await _report(self._core.start_admit())

    async def succeeded(self, permit: Permit, *, elapsed_ms: float) -> CircuitReport:
        """The call succeeded. While the circuit is closed, a shared store is told in the background."""
        return await _report(self._core.start_succeeded(permit, elapsed_ms))

    async def failed(self, permit: Permit, failure: Failure | BaseException, *, elapsed_ms: float) -> CircuitReport:
        """The call failed. When this returns, every host sees it."""
        return await _report(self._core.start_failed(permit, elapsed_ms, errors_of(failure)))

    async def cancelled(self, permit: Permit, *, elapsed_ms: float = 0) -> CircuitReport:
        """The call was not made, or was given up after a time: no outcome.

        Where there is a ``slow_rate`` and it took at least that long, it counts as slow; a slow probe has failed.
        """
        return await _report(self._core.start_cancelled(permit, elapsed_ms))

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
        self, *, failure_of: Callable[[BaseException], Failure] = Failure.of
    ) -> AsyncGenerator[CircuitReport]:
        """A block that is a call through the circuit: `CircuitOpenError` where it is refused, else its outcome counts.

        An `Exception` counts as a failure by what ``failure_of`` makes of it, any other way out, such as a cancelled
        task, gives the permit back.
        """
        report, started_us = await self._enter()
        try:
            yield report
        except BaseException as error:
            await self._broke_off(report, started_us, error, failure_of)
            raise
        await self._went_well(report, started_us)

    async def call(self, function: Callable[P, Awaitable[R]], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """Calls a function through the circuit, as in a `permit` block."""
        report, started_us = await self._enter()
        try:
            result = await function(*args, **kwargs)
        except BaseException as error:
            await self._broke_off(report, started_us, error, Failure.of)
            raise
        await self._went_well(report, started_us)
        return result

    def wrap(self, function: Callable[P, Awaitable[R]]) -> Callable[P, Coroutine[Any, Any, R]]:
        """The function, each call of which goes through the circuit."""

        @functools.wraps(function)
        async def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
            return await self.call(function, *args, **kwargs)

        return guarded

    def __call__(self, function: Callable[P, Awaitable[R]]) -> Callable[P, Coroutine[Any, Any, R]]:
        """A decorator: `wrap`."""
        return self.wrap(function)

    def __repr__(self) -> str:
        """Its class, name and key."""
        return f"CircuitBreaker({self.name!r})" if not self.key else f"CircuitBreaker({self.name!r}, {self.key!r})"

    async def _enter(self) -> tuple[CircuitReport, int]:
        report = await _report(self._core.start_admit())
        if not report.is_admitted:
            raise CircuitOpenError(self.name, report)
        return report, self._gate.now_us()

    async def _went_well(self, report: CircuitReport, started_us: int) -> None:
        permit = report.permit
        # A store that was away gives no permit, and nothing is to be recorded.
        if permit is None:
            return
        try:
            elapsed_ms = max(0, self._gate.now_us() - started_us) / 1_000
            await _report(self._core.start_succeeded(permit, elapsed_ms))
        except TidegateError as error:
            not_recorded(self.name, error)

    async def _broke_off(
        self,
        report: CircuitReport,
        started_us: int,
        error: BaseException,
        failure_of: Callable[[BaseException], Failure],
    ) -> None:
        if report.permit is None:
            return
        elapsed_ms = max(0, self._gate.now_us() - started_us) / 1_000
        if not isinstance(error, Exception):
            # One who is being cancelled must not wait.
            self._core.give_back(report.permit, elapsed_ms)
            return
        try:
            await self.failed(report.permit, failure_of(error), elapsed_ms=elapsed_ms)
        except TidegateError as unrecorded:
            not_recorded(self.name, unrecorded)


async def _report(answer: CircuitReport | _core.Pending[CircuitReport]) -> CircuitReport:
    return answer if isinstance(answer, CircuitReport) else await hear(answer)
