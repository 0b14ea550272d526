"""Errors of rate limiters."""

from __future__ import annotations

from tidegate._errors import (
    TidegateError,
)
from tidegate._tidegate import Decision


class RateLimitError(TidegateError):
    """A rate limiter denied the call."""

    def __init__(self, limiter: str, decision: Decision) -> None:
        """Takes the limiter's name and its decision."""
        super().__init__(limiter, decision)
        self.limiter = limiter
        self.decision = decision

    @property
    def retry_after_ms(self) -> int:
        """Milliseconds until the same call would be accepted if nobody else came."""
        return self.decision.retry_after_ms

    def __str__(self) -> str:
        """Who, why, and when to come back."""
        decision = self.decision
        return (
            f"rate limiter {self.limiter!r} denied the call ({decision.reason}), "
            f"retry after {decision.retry_after_ms} ms"
        )


class CostNeverFitsError(TidegateError, ValueError):
    """The cost is above what a limit can ever admit at once. Waiting does not help."""

    def __init__(self, limiter: str, cost: int, binding: int, limit: int, count: int, remaining: int) -> None:
        """Takes the limiter's name, the cost asked for, and the counts of the limit that admits the least."""
        super().__init__(limiter, cost, binding, limit, count, remaining)
        self.limiter = limiter
        self.cost = cost
        self.binding = binding
        """Which limit admits the least, counted from 0."""
        self.limit = limit
        """The most that it admits at once: the limit; for GCRA and token bucket the burst."""
        self.count = count
        """Permits that count against it now."""
        self.remaining = remaining
        """How many it would allow now."""

    def __str__(self) -> str:
        """Which cost, of which limit, and what counts."""
        return (
            f"a cost of {self.cost} can never fit in limits[{self.binding}] of rate limiter {self.limiter!r}, "
            f"which admits {self.limit} at once; {self.count} count now"
        )
