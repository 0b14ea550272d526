"""Circuit breakers for threads."""

from __future__ import annotations

import functools
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any, ParamSpec, TypeVar

from tidegate import _tidegate as _core
from tidegate._config import Mode
from tidegate._errors import CircuitOpenError, TidegateError
from tidegate._failure import Failure, errors_of, not_recorded
from tidegate._settings import as_dict
from tidegate._tidegate import CircuitReport, Permit

P = ParamSpec("P")
R = TypeVar("R")


class CircuitBreaker:
    """A handle on a circuit, to be shared between threads. It holds no state of the circuit."""

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

    def admit(self) -> CircuitReport:
        """Asks to make a call: see ``is_admitted``.

        Whoever is admitted hands the permit back with the outcome, by `succeeded`, `failed` or `cancelled`; `permit`
        and `call` do all that. Raises `StoreError` and `ContendedError` with a shared store.
        """
        return self._core.admit()

    def succeeded(self, permit: Permit, *, elapsed_ms: float) -> CircuitReport:
        """The call succeeded. While the circuit is closed, a shared store is told in the background."""
        return self._core.succeeded(permit, elapsed_ms)

    def failed(self, permit: Permit, failure: Failure | BaseException, *, elapsed_ms: float) -> CircuitReport:
        """The call failed. When this returns, every host sees it."""
        return self._core.failed(permit, elapsed_ms, errors_of(failure))

    def cancelled(self, permit: Permit, *, elapsed_ms: float = 0) -> CircuitReport:
        """The call was not made, or was given up after a time: no outcome.

        Where there is a ``slow_rate`` and it took at least that long, it counts as slow; a slow probe has failed.
        """
        return self._core.cancelled(permit, elapsed_ms)

    def status(self) -> CircuitReport:
        """Reads the circuit and changes nothing."""
        return self._core.status()

    def set_mode(self, mode: Mode) -> CircuitReport:
        """Orders a mode for all hosts; ``normal`` takes the order back."""
        return self._core.set_mode(mode)

    def reset(self) -> CircuitReport:
        """Closes the circuit and clears its counts and back-off. An ordered mode stays."""
        return self._core.reset()

    @contextmanager
    def permit(self, *, failure_of: Callable[[BaseException], Failure] = Failure.of) -> Generator[CircuitReport]:
        """A block that is a call through the circuit: `CircuitOpenError` where it is refused, else its outcome counts.

        An `Exception` counts as a failure by what ``failure_of`` makes of it, any other way out, such as Ctrl-C, gives
        the permit back.
        """
        report, started_us = self._enter()
        try:
            yield report
        except BaseException as error:
            self._broke_off(report, started_us, error, failure_of)
            raise
        self._went_well(report, started_us)

    def call(self, function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """Calls a function through the circuit, as in a `permit` block."""
        report, started_us = self._enter()
        try:
            result = function(*args, **kwargs)
        except BaseException as error:
            self._broke_off(report, started_us, error, Failure.of)
            raise
        self._went_well(report, started_us)
        return result

    def wrap(self, function: Callable[P, R]) -> Callable[P, R]:
        """The function, each call of which goes through the circuit."""

        @functools.wraps(function)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
            return self.call(function, *args, **kwargs)

        return guarded

    def __call__(self, function: Callable[P, R]) -> Callable[P, R]:
        """A decorator: `wrap`."""
        return self.wrap(function)

    def __repr__(self) -> str:
        """Its class, name and key."""
        return f"CircuitBreaker({self.name!r})" if not self.key else f"CircuitBreaker({self.name!r}, {self.key!r})"

    def _enter(self) -> tuple[CircuitReport, int]:
        report = self._core.admit()
        if not report.is_admitted:
            raise CircuitOpenError(self.name, report)
        return report, self._gate.now_us()

    def _went_well(self, report: CircuitReport, started_us: int) -> None:
        permit = report.permit
        # A store that was away gives no permit, and nothing is to be recorded.
        if permit is None:
            return
        try:
            self._core.succeeded(permit, max(0, self._gate.now_us() - started_us) / 1_000)
        except TidegateError as error:
            not_recorded(self.name, error)

    def _broke_off(
        self,
        report: CircuitReport,
        started_us: int,
        error: BaseException,
        failure_of: Callable[[BaseException], Failure],
    ) -> None:
        if report.permit is None:
            return
        elapsed_ms = max(0, self._gate.now_us() - started_us) / 1_000
        try:
            if isinstance(error, Exception):
                self.failed(report.permit, failure_of(error), elapsed_ms=elapsed_ms)
            else:
                self.cancelled(report.permit, elapsed_ms=elapsed_ms)
        except TidegateError as unrecorded:
            not_recorded(self.name, unrecorded)
