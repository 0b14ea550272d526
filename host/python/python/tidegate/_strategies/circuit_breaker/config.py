"""Settings of circuit breakers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal, TypeAlias

from tidegate._config import (
    Settings,
    Time,
)

Others: TypeAlias = Literal["ignored", "success"]
"""What an error counts as that is not monitored."""

Mode: TypeAlias = Literal["normal", "forced-open", "forced-closed", "disabled", "metrics-only"]
"""What the operator of a circuit has ordered."""


@dataclass(frozen=True)
class FailureCount(Settings):
    """Open after this many failures within a time."""

    count: int
    """How many; 1 to 1,000."""
    within_ms: Time
    """Within which time; 1 to 86,400,000 ms. Exact: each failure leaves at its own age."""


@dataclass(frozen=True)
class SlowRate(Settings):
    """Open at a share of slow calls."""

    percent: float
    """In percent of the sample; more than 0, at most 100."""
    slower_than_ms: Time
    """A call is slow when it took at least this long; 1 to 86,400,000 ms."""


@dataclass(frozen=True)
class SampleWindow(Settings):
    """Rates are taken over the calls whose outcome came in the last N milliseconds; 100 to 86,400,000."""

    window_ms: Time


@dataclass(frozen=True)
class SampleCalls(Settings):
    """Rates are taken over the last N calls; 1 to 1,000."""

    calls: int


@dataclass(frozen=True)
class Trip(Settings):
    """When a closed circuit opens: on the first rule met, in the order of the fields. At least one is needed."""

    failures: FailureCount | None = None
    """After this many failures within a time."""
    consecutive: int | None = None
    """After this many failures with no success between them; 1 to 1,000,000."""
    failure_rate_percent: float | None = None
    """At this share of failed calls in the sample; more than 0, at most 100."""
    slow_rate: SlowRate | None = None
    """At a share of slow calls in the sample."""
    sample: SampleWindow | SampleCalls | None = None
    """What the rates are taken over; by default the last 60 seconds."""
    minimum_calls: int | None = None
    """No rate opens the circuit before the sample holds this many calls; by default 10."""


@dataclass(frozen=True)
class Backoff(Settings):
    """How the open time grows when a probe has failed again."""

    factor: float
    """Each reopening multiplies the open time by this; 1 to 100."""
    cap_ms: Time
    """It never grows past this; at least ``open_ms``, at most 30 days."""


@dataclass(frozen=True)
class ProbeRatio(Settings):
    """N probes decide.

    Of them ``successes`` close the circuit, and it opens again as soon as too many have failed for that.
    """

    _case: ClassVar[str | None] = "ratio"

    of: int
    """How many; ``successes`` to 1,000,000."""


@dataclass(frozen=True)
class ProbeRate(Settings):
    """The failure rate of this many probes decides. ``successes`` means nothing."""

    _case: ClassVar[str | None] = "rate"

    percent: float
    """The circuit opens again at this share of failed probes, and else closes; more than 0, at most 100."""
    of: int
    """How many probes must have ended before; 1 to 1,000,000."""


ProbeRule: TypeAlias = Literal["first-failure"] | ProbeRatio | ProbeRate
"""What ends the half-open state. A probe that was given up, or whose error is ignored, has not ended."""


@dataclass(frozen=True)
class HalfOpen(Settings):
    """What a half-open circuit admits, and what ends it."""

    probes: int = 1
    """Probes in flight at once; 1 to 1,000. By `ProbeRatio` and `ProbeRate` never more than are still to end."""
    successes: int = 1
    """Successes that close the circuit; 1 to 1,000,000."""
    permit_ms: Time = 60_000
    """A probe whose outcome has not come after this time is given up; 1 to 86,400,000 ms."""
    rule: ProbeRule = "first-failure"
    """What closes the circuit or opens it again: ``successes`` or the first failure, or how many probes do."""


@dataclass(frozen=True)
class ErrorPattern(Settings):
    """A pattern for the whole of a text of an error or of one of its causes, case and all.

    ``*`` stands for any text, ``?`` for any one character, and a backslash takes the next character as it is.
    """

    pattern: str
    """1 to 1,024 bytes."""
    part: Literal["any", "name", "message", "code", "status"] = "any"
    """Which text of an error is matched: the name of its class, its message, its code, its status, or any of them."""
