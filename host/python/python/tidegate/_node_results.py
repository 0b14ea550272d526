"""What workflow nodes answer, and how it goes into contexts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, Generic, Literal, TypeVar

from tidegate._tidegate import CircuitReport

T_co = TypeVar("T_co", covariant=True)
P_co = TypeVar("P_co", covariant=True)


@dataclass(frozen=True)
class RateLimiterResult:
    """The result of a rate limiter node."""

    passed: bool
    """Whether the call may go on."""
    queued: bool
    """Whether it waited in the queue."""
    wait_time: int
    """How long it waited, by the store's clock, in milliseconds."""
    current_count: int
    """How many calls count against the limit now."""
    limit: int
    """The limit."""
    reset_in: int
    """Until no call counts any more, in milliseconds."""
    queue_position: int | None = None
    """Its first place in the queue, counted from 1; None where it did not queue."""

    def to_dict(self) -> dict[str, Any]:
        """The result as JSON has it: ``passed``, ``queued``, ``waitTime``, ``queuePosition`` where there is one, ..."""
        position = {} if self.queue_position is None else {"queuePosition": self.queue_position}
        return {
            "passed": self.passed,
            "queued": self.queued,
            "waitTime": self.wait_time,
            **position,
            "currentCount": self.current_count,
            "limit": self.limit,
            "resetIn": self.reset_in,
        }

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> RateLimiterResult:
        """What `to_dict` was called on, in any language."""
        return cls(
            passed=fields["passed"],
            queued=fields["queued"],
            wait_time=fields["waitTime"],
            current_count=fields["currentCount"],
            limit=fields["limit"],
            reset_in=fields["resetIn"],
            queue_position=fields.get("queuePosition"),
        )


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
class Subject:
    """What a rate limiter node limits for one context."""

    name: str
    """The name of the limiter, which follows from the node's settings."""
    key: str
    """The key; empty where the key type is global."""
    priority: int
    """In a queue, higher goes first."""


@dataclass(frozen=True)
class Passage:
    """The end of a call of a rate limiter node."""

    result: RateLimiterResult
    """The result."""
    token: str | None = None
    """Passed: what gives the permit back, by ``abandon``, if the call is not made after all."""


@dataclass(frozen=True)
class NodeStep:
    """One step of a call of a rate limiter node in a durable workflow."""

    done: bool
    """Whether this is the end. If not: come back with ``token`` after ``wait_ms``."""
    wait_ms: int = 0
    """Milliseconds until to come back; 0 at the end."""
    token: str | None = None
    """What to come back with, in any process and language; at the end as `Passage.token`."""
    result: RateLimiterResult | None = None
    """The result, at the end."""


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


@dataclass(frozen=True)
class NodeOutput(Generic[P_co]):
    """What a node makes of a context."""

    passage: P_co
    """The passage, with the result."""
    context: dict[str, Any]
    """A new context: the old one's members, with the result among them as JSON has it."""


StepParts = tuple[bool, int, "str | None", "str | None"]
PassageParts = tuple[str, "str | None", CircuitReport]


def step_of(parts: StepParts) -> NodeStep:
    """A step, from what the compiled part answers."""
    done, wait_ms, token, text = parts
    return NodeStep(done, wait_ms, token, None if text is None else RateLimiterResult.from_dict(json.loads(text)))


def end_of(parts: StepParts) -> Passage:
    """The last step."""
    _, _, token, text = parts
    assert text is not None, "a call that has ended has a result"
    return Passage(RateLimiterResult.from_dict(json.loads(text)), token)


def passage_of(parts: PassageParts) -> CircuitPassage:
    """A passage, from what the compiled part answers."""
    text, token, report = parts
    return CircuitPassage(CircuitResult.from_dict(json.loads(text)), token, report)


def result_text(result: RateLimiterResult | CircuitResult | Mapping[str, Any] | str) -> str:
    """A result as JSON text, byte for byte as the component writes it."""
    if isinstance(result, str):
        return result
    fields = result if isinstance(result, Mapping) else result.to_dict()
    return json.dumps(fields, separators=(",", ":"))


def put_into(
    context: Mapping[str, Any], variable: str | None, result: RateLimiterResult | CircuitResult
) -> dict[str, Any]:
    """A new context with a result in it. A member of the same name is replaced where it stands, else it comes last."""
    fields = result.to_dict()
    return {**context, **(fields if variable is None else {variable: fields})}


def _text_of(time: datetime) -> str:
    return time.astimezone(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _time_of(text: str) -> datetime:
    # Python 3.10 reads no "Z".
    return datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(timezone.utc)
