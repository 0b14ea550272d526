"""What circuit breaker nodes answer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, Generic, Literal, TypeVar

from tidegate._tidegate import CircuitReport

T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True)
class CircuitResult:
    """The result of a circuit breaker node."""

    allowed: bool
    """Whether the call may be, or was, made."""
    circuit_state: Literal["closed", "open", "half-open"]
    """The circuit's state."""
    failed_fast: bool
    """Whether the call was refused."""
    fallback_used: bool
    """Whether it was refused and has the fallback value for its result."""
    failure_count: int
    """Failures in the failure window, counted up to the threshold."""
    success_count: int
    """Successes of the half-open circuit so far."""
    last_failure: datetime | None = None
    """When the last failure was counted, in UTC and whole milliseconds; None: not known."""

    def to_dict(self) -> dict[str, Any]:
        """The result as JSON has it: ``allowed``, ``circuitState``, ..., with ``lastFailure`` as an ISO 8601 text."""
        last = {} if self.last_failure is None else {"lastFailure": _text_of(self.last_failure)}
        return {
            "allowed": self.allowed,
            "circuitState": self.circuit_state,
            "failedFast": self.failed_fast,
            "fallbackUsed": self.fallback_used,
            "failureCount": self.failure_count,
            "successCount": self.success_count,
            **last,
        }

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> CircuitResult:
        """What `to_dict` was called on, in any language."""
        last = fields.get("lastFailure")
        return cls(
            allowed=fields["allowed"],
            circuit_state=fields["circuitState"],
            failed_fast=fields["failedFast"],
            fallback_used=fields["fallbackUsed"],
            failure_count=fields["failureCount"],
            success_count=fields["successCount"],
            last_failure=None if last is None else _time_of(last),
        )


@dataclass(frozen=True)
class CircuitPassage:
    """What a circuit breaker node answers to a call or to its outcome."""

    result: CircuitResult
    """The result."""
    token: str | None
    """Of an admitted call: what to bring its outcome with, from any process and language."""
    report: CircuitReport
    """The circuit, with all that an error tells."""


@dataclass(frozen=True)
class Guarded(Generic[T_co]):
    """What became of a guarded operation."""

    result: T_co | None
    """The operation's result or, of a refused call, the fallback value; None where it was skipped."""
    circuit_result: CircuitResult
    """The circuit after it."""
    has_result: bool = True
    """False: it was skipped."""


PassageParts = tuple[str, "str | None", CircuitReport]


def passage_of(parts: PassageParts) -> CircuitPassage:
    """A passage, from what the compiled part answers."""
    text, token, report = parts
    return CircuitPassage(CircuitResult.from_dict(json.loads(text)), token, report)


def _text_of(time: datetime) -> str:
    return time.astimezone(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _time_of(text: str) -> datetime:
    # Python 3.10 reads no "Z".
    return datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(timezone.utc)
