"""Settings of rate limiters."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

from tidegate._config import (
    Settings,
    Time,
    _ms,
)

WindowUnit: TypeAlias = Literal["millisecond", "second", "minute", "hour", "day"]
"""A unit of a window's length."""


@dataclass(frozen=True)
class SlidingWindow(Settings):
    """``A(W) <= L``: a strict sliding window in bounded state, and the default.

    Permits that follow each other are a group, which leaves ``W`` after its last permit; it ends after
    ``W / sub_windows`` or ``L / 128`` permits, whichever is first. Below 256 that is each permit, so it admits exactly
    what ``SlidingLog`` does; above, by the default, at least 0.985 of that.
    """

    sub_windows: int = 64
    """1 to 100."""
    name: Literal["sliding-window"] = field(default="sliding-window", init=False, repr=False)


@dataclass(frozen=True)
class Gcra(Settings):
    """``A(D) <= burst + D * L / W``: the generic cell rate algorithm. With a burst of 1, permits are evenly spaced."""

    burst: int | None = None
    """Permits that an idle key can spend at once; by default the limit."""
    name: Literal["gcra"] = field(default="gcra", init=False, repr=False)


@dataclass(frozen=True)
class TokenBucket(Settings):
    """``A(D) <= burst + D * L / W``: a bucket of tokens that refills continuously. Decides as `Gcra` does."""

    burst: int | None = None
    """Permits that an idle key can spend at once; by default the limit."""
    name: Literal["token-bucket"] = field(default="token-bucket", init=False, repr=False)


@dataclass(frozen=True)
class FixedWindow(Settings):
    """``A(W) <= L`` in each window aligned to 1970, so ``A(W) <= 2 * L``."""

    name: Literal["fixed-window"] = field(default="fixed-window", init=False, repr=False)


@dataclass(frozen=True)
class SlidingWindowCounter(Settings):
    """Aligned windows, weighted with the one before: ``A(W) <= 2 * L - 1``, and close to L for even traffic."""

    name: Literal["sliding-window-counter"] = field(default="sliding-window-counter", init=False, repr=False)


@dataclass(frozen=True)
class SlidingLog(Settings):
    """``A(W) <= L``, each permit coming back exactly W after it was given; L is at most 10,000."""

    name: Literal["sliding-log"] = field(default="sliding-log", init=False, repr=False)


Algorithm: TypeAlias = SlidingWindow | Gcra | TokenBucket | FixedWindow | SlidingWindowCounter | SlidingLog
"""How permits are counted. A(D) is the number of permits in any span of time of length D, W the window, L the limit."""


@dataclass(frozen=True)
class Limit(Settings):
    """At most ``limit`` permits in a window of ``window_count`` units."""

    limit: int
    """Permits; 0 to 4,294,967,295. For `Gcra` and `TokenBucket` at most 1,000,000 in a second.

    0: every call is denied, and told no time to come back at."""
    window: WindowUnit
    """The unit of the window's length."""
    window_count: int = 1
    """How many units. The window is 1 ms to 366 days."""
    algorithm: Algorithm = SlidingWindow()
    """How permits are counted."""

    @classmethod
    def per_second(cls, limit: int) -> Limit:
        """At most N permits in every second."""
        return cls(limit, "second")

    @classmethod
    def per_minute(cls, limit: int) -> Limit:
        """At most N permits in every minute."""
        return cls(limit, "minute")

    @classmethod
    def per_hour(cls, limit: int) -> Limit:
        """At most N permits in every hour."""
        return cls(limit, "hour")

    @classmethod
    def per_day(cls, limit: int) -> Limit:
        """At most N permits in every day of 24 hours."""
        return cls(limit, "day")

    @classmethod
    def per(cls, limit: int, window: Time) -> Limit:
        """At most N permits in every window."""
        return cls(limit, "millisecond", _ms(window))

    def by(self, algorithm: Algorithm) -> Limit:
        """Counted by another algorithm."""
        return replace(self, algorithm=algorithm)


@dataclass(frozen=True)
class Reject(Settings):
    """A call over the limit is denied."""

    behavior: Literal["reject"] = field(default="reject", init=False, repr=False)


@dataclass(frozen=True)
class Delay(Settings):
    """A call over the limit is given the next free place, and goes then."""

    max_wait_ms: Time
    """The longest wait; beyond it the call is denied; 1 to 86,400,000 ms."""
    behavior: Literal["delay"] = field(default="delay", init=False, repr=False)


@dataclass(frozen=True)
class Queue(Settings):
    """A call over the limit waits in a queue shared by all hosts: higher priority first, then who came first."""

    max_size: int
    """How many may wait; 1 to 10,000."""
    timeout_ms: Time
    """How long one may wait; 1 to 86,400,000 ms."""
    grace_ms: Time | None = None
    """A waiter that is later than this at the time it was told is passed over until it comes; by default 1,000 ms or
    ``timeout_ms``, the less."""
    behavior: Literal["queue"] = field(default="queue", init=False, repr=False)


OnLimit: TypeAlias = Reject | Delay | Queue
"""What happens to a call that is over a limit."""


@dataclass(frozen=True)
class Lease(Settings):
    """Permits that a host takes from the shared limits in one charge and spends on its own, without a round trip each.

    How many it takes adapts to the key, and what is left when a lease ends is given back. Leases never over-admit. All
    hosts of a limiter must be configured alike. Only with `Reject`; on the memory store no lease is taken.
    """

    max_permits: int
    """The most permits that a host takes at once; 2 to 1,000,000."""
    life_ms: Time
    """How long it may hold them; 1 to 60,000 ms."""
