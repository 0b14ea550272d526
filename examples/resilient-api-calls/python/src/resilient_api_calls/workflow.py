"""The workflow: an item waits for the rate limiter, asks the circuit breaker, and calls the server.

Workers of other processes, on other machines or in other languages, share the limit and the circuit if they share the
store and the names.
"""

import time
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx
import tidegate
from tidegate import FailureCount, HalfOpen, Limit, Queue, Redis, Trip, aio

from resilient_api_calls.args import without_password
from resilient_api_calls.event import (
    Change,
    Denied,
    Done,
    Events,
    Failed,
    FailedFast,
    Fallback,
    Outcome,
    Passed,
    PermitGiven,
    Undecided,
    Unrecorded,
)

_ANSWER_LIMIT_S = 2
"""How long an answer of the server may take."""

_STORE_LIMIT_MS = 1_000
"""How long an answer of Redis may take: items wait for seconds here, so a slow one is not yet a failure."""


@dataclass(frozen=True)
class Plan:
    """What all workers have in common. It goes to a process as JSON, which is the same in every language."""

    redis: str | None
    """The URL of the Redis to share state through; None: memory."""
    key: str
    """Whose calls are limited and guarded together."""
    rate: int
    """Calls a second."""
    queue_size: int
    """How many may wait."""
    queue_timeout_ms: int
    """How long one may wait."""
    failures: int
    """This many failures within ten seconds open the circuit."""
    open_ms: int
    """For how long it opens."""
    server: str
    """The URL of the server."""


class StatusError(Exception):
    """Anything but a good answer. Its name, message and code are what patterns in the circuit's settings see."""

    def __init__(self, response: httpx.Response) -> None:
        super().__init__(f"{response.status_code} {response.reason_phrase}")
        self.code = response.status_code


@asynccontextmanager
async def workflow(plan: Plan, events: Events) -> AsyncIterator["Workflow"]:
    """Open the policies on the store. They are the same in every worker."""
    store = None if plan.redis is None else Redis(plan.redis, timeout_ms=_STORE_LIMIT_MS)
    # When the block ends, a shared store has all outcomes, the last successes among them.
    async with aio.Tidegate(store) as gate:
        limiter = gate.rate_limiter(
            "price-api",
            limit=Limit.per_second(plan.rate),
            on_limit=Queue(max_size=plan.queue_size, timeout_ms=plan.queue_timeout_ms),
        )
        await _meet(limiter, plan)

        breaker = gate.circuit_breaker(
            "price-api",
            trip=Trip(failures=FailureCount(count=plan.failures, within_ms=10_000)),
            open_ms=plan.open_ms,
            half_open=HalfOpen(probes=2, successes=2, permit_ms=5_000),
        ).keyed(plan.key)

        # The server is on this machine: no proxy knows the way to it.
        async with httpx.AsyncClient(base_url=plan.server, timeout=_ANSWER_LIMIT_S, trust_env=False) as client:
            yield Workflow(plan.key, limiter, breaker, client, events)


async def _meet(limiter: aio.RateLimiter, plan: Plan) -> None:
    """The store is connected in the background: what asks it first finds out whether it is there."""
    try:
        await limiter.peek(plan.key)
    except tidegate.StoreError as error:
        raise RuntimeError(f"--store {without_password(plan.redis or 'memory')}: {error}") from error


@dataclass
class Workflow:
    """A workflow that is ready to run."""

    key: str
    limiter: aio.RateLimiter
    breaker: aio.CircuitBreaker
    client: httpx.AsyncClient
    events: Events
    last_answer: str | None = field(default=None, init=False)

    async def handle(self, item: int) -> None:
        """Handle an item and tell what became of it."""
        permit: PermitGiven | None = None
        outcome: Outcome
        try:
            admission = await self.limiter.acquire(self.key)
            decision = admission.decision
            permit = PermitGiven(decision.charged_at_us or decision.at_us, admission.waited_ms * 1_000)
            outcome = await self._call(item)
        except tidegate.RateLimitError:
            outcome = Denied()
        except tidegate.TidegateError as error:
            outcome = Undecided(str(error))
        self.events(Done(item, permit, outcome))

    async def _call(self, item: int) -> Outcome:
        """Call the server, unless the circuit refuses that.

        Where nobody asks for the circuit's reports, ``await breaker.call(self._request, item)`` does all this.
        """
        admission = await self.breaker.admit()
        self._tell_change(admission)
        if admission.permit is None:
            return FailedFast(self._fall_back())

        started = time.monotonic()
        try:
            self.last_answer = await self._request(item)
        except (StatusError, httpx.HTTPError) as error:
            await self._record(self.breaker.failed(admission.permit, error, elapsed_ms=_ms_since(started)))
            return Failed(str(error))
        await self._record(self.breaker.succeeded(admission.permit, elapsed_ms=_ms_since(started)))
        return Passed()

    async def _request(self, item: int) -> str:
        """The request itself: anything but a good answer is an error."""
        response = await self.client.get(f"/prices/{item}")
        if not response.is_success:
            raise StatusError(response)
        return response.text

    async def _record(self, report: Awaitable[tidegate.CircuitReport]) -> None:
        try:
            self._tell_change(await report)
        except tidegate.TidegateError as error:
            self.events(Unrecorded(str(error)))

    def _fall_back(self) -> Fallback:
        """What an item that the circuit refused makes do with."""
        return "default" if self.last_answer is None else "last-answer"

    def _tell_change(self, report: tidegate.CircuitReport) -> None:
        """Each state change is in the report of the one call that made it, whatever the number of processes."""
        if (change := report.event) is not None:
            self.events(Change(report.generation, change.before, change.after, change.cause))


def _ms_since(started: float) -> float:
    return (time.monotonic() - started) * 1_000
