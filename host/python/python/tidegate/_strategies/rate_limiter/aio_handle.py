"""A handle on a rate limiter, for asyncio."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from typing import Any

from tidegate import _tidegate as _core
from tidegate._loops import hear, heard
from tidegate._pickling import Gate, opened_again
from tidegate._settings import as_dict
from tidegate._strategies.rate_limiter.aio_limits import LimitMethods
from tidegate._strategies.rate_limiter.opening import asks_of, charge_of
from tidegate._tidegate import Admission, Decision


class RateLimiter(LimitMethods):
    """A handle on a rate limiter, to be shared between tasks. It holds no state of any key."""

    def __init__(self, core: _core.RateLimiter, gate: Gate) -> None:
        """See `Tidegate.rate_limiter`."""
        self._core = core
        self._gate = gate

    @property
    def name(self) -> str:
        """The name in the settings."""
        return self._core.name

    @property
    def config(self) -> dict[str, Any]:
        """The settings as JSON has them, defaults included."""
        return as_dict(self._core.config_json())

    async def try_acquire(self, key: str, *, cost: int = 1) -> Decision:
        """Asks for permits now: allowed or denied, never a wait. A decision is true where it is allowed.

        Raises `CostNeverFitsError`, and `StoreError` and `ContendedError` with a shared store.
        """
        answer = self._core.start_try_acquire(key, cost)
        return answer if isinstance(answer, Decision) else await hear(answer)

    async def try_acquire_many(self, asks: Iterable[str | tuple[str, int]]) -> list[Decision | Exception]:
        """Asks for permits for several keys, each a key or a key and its cost: as `try_acquire` would for each in turn.

        In place of a decision that there is not, the list has the exception that `try_acquire` would raise. On the
        memory store it is one call of the policy; on a shared one all that is asked for one key is one round trip.
        """
        answer = self._core.start_try_acquire_many(asks_of(asks))
        return answer if isinstance(answer, list) else await hear(answer)

    async def acquire(self, key: str, *, cost: int = 1, priority: int = 0) -> Admission:
        """Asks for permits and waits for them, as the settings say; `RateLimitError` where they are denied.

        A task that is cancelled leaves the queue or gives the reserved place back.
        """
        answer = self._core.start_acquire(key, cost, priority)
        return answer if isinstance(answer, Admission) else await hear(answer)

    async def decide(self, key: str, ticket: int | None = None, *, cost: int = 1, priority: int = 0) -> Decision:
        """One step of `acquire` that never waits, for workflows that keep their own timers.

        Asks for permits, or comes back with the ticket of the last decision after its ``wait_ms``. Without a ticket in
        the decision, a wait is a reserved place that has been charged: go after that time.
        """
        answer = self._core.start_decide(key, ticket, cost, priority)
        return answer if isinstance(answer, Decision) else await hear(answer)

    async def peek(self, key: str, *, cost: int = 1) -> Decision:
        """What `try_acquire` would answer, without charging."""
        answer = self._core.start_peek(key, cost)
        return answer if isinstance(answer, Decision) else await hear(answer)

    async def refund(
        self,
        key: str,
        decision: Decision | None = None,
        *,
        charged_at_us: int | None = None,
        full_at_us: int | None = None,
        cost: int = 1,
    ) -> Decision:
        """Gives back the permits that a decision charged, once, and reports as a peek does.

        Of the decision only ``charged_at_us`` and ``full_at_us`` are needed, which may be given in its place unless it
        is degraded. Windows and logs take the permits out of the place they were counted in; buckets give back what has
        not come back by itself since, and what was charged first comes back first. Permits that were let go without the
        store are owed no more.
        """
        answer = self._core.start_refund(key, *charge_of(decision, charged_at_us, full_at_us), cost)
        return answer if isinstance(answer, Decision) else await hear(answer)

    async def charge(self, key: str, cost: int) -> Decision:
        """Charges what was used already, such as tokens of a model's answer: never refused, whatever the limits say.

        What does not fit is a debt, and calls that come later wait until it is paid, by the rate of the limit;
        ``retry_after_ms`` says for how long. Of a debt to windows or a log nothing can be given back. What is owed
        beyond 1,000 windows is forgotten. While the store is away, unless that is an error, it counts on this host and
        is charged when the store is back, like what was let go meanwhile: as much as then still fits.
        """
        answer = self._core.start_charge(key, cost)
        return answer if isinstance(answer, Decision) else await hear(answer)

    async def cancel(self, key: str, ticket: int) -> bool:
        """Takes a waiter out of the queue; False: it was not in it."""
        answer = self._core.start_cancel(key, ticket)
        return answer if isinstance(answer, bool) else await hear(answer)

    async def reset(self, key: str) -> None:
        """Forgets what was charged to a key. Those who wait keep their places."""
        await heard(self._core.start_reset(key))

    @asynccontextmanager
    async def permit(self, key: str, *, cost: int = 1, priority: int = 0) -> AsyncGenerator[Admission]:
        """A block that is entered with permits. They are spent by then, whatever becomes of the block."""
        yield await self.acquire(key, cost=cost, priority=priority)

    def __reduce__(self) -> tuple[Any, ...]:
        """The gate, and what it is opened with there."""
        return opened_again, (self._gate, "rate_limiter", self.config, ())

    def __repr__(self) -> str:
        """Its class and name."""
        return f"RateLimiter({self.name!r})"
