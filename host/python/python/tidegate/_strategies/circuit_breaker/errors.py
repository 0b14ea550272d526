"""Errors of circuit breakers and of the calls that they guard."""

from __future__ import annotations

from typing import Any

from tidegate._errors import (
    TidegateError,
)
from tidegate._tidegate import CircuitReport


class CallTimeoutError(TidegateError, TimeoutError):
    """A guarded call took longer than its own ``timeout_ms``. It counts as a failure."""

    def __init__(self, circuit: str, timeout_ms: float) -> None:
        """Takes the circuit's name and the time limit."""
        super().__init__(f"the call through circuit {circuit!r} took longer than {timeout_ms:g} ms")
        self.circuit = circuit
        self.timeout_ms = timeout_ms

    def _made_of(self) -> tuple[Any, ...]:
        # An `OSError` would be copied by its text.
        return self.circuit, self.timeout_ms


class CircuitOpenError(TidegateError):
    """A circuit refused the call: it failed fast."""

    def __init__(self, circuit: str, report: CircuitReport) -> None:
        """Takes the circuit's name and its report."""
        super().__init__(circuit, report)
        self.circuit = circuit
        self.report = report

    @property
    def retry_after_ms(self) -> int:
        """Milliseconds until a call may be admitted; 0: not known."""
        return self.report.retry_after_ms

    def __str__(self) -> str:
        """Which circuit, its state, and when to come back."""
        report = self.report
        return (
            f"circuit {self.circuit!r} is {report.state} and refused the call ({report.effect}), "
            f"retry after {report.retry_after_ms} ms"
        )
