"""What rate limiter nodes answer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


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
    """Its first position in the queue, counted from 1; None where it did not queue."""

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


StepParts = tuple[bool, int, "str | None", "str | None"]


def step_of(parts: StepParts) -> NodeStep:
    """A step, from what the compiled part answers."""
    done, wait_ms, token, text = parts
    return NodeStep(done, wait_ms, token, None if text is None else RateLimiterResult.from_dict(json.loads(text)))


def end_of(parts: StepParts) -> Passage:
    """The last step."""
    _, _, token, text = parts
    assert text is not None, "a call that has ended has a result"
    return Passage(RateLimiterResult.from_dict(json.loads(text)), token)
