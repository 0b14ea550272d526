# Made from aio/__init__.py by `python -m tools.sync_face`.
# Change that, or the words in tools/sync_words.py.
"""Gates, limiters and breakers for threads."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import contextmanager
from datetime import timedelta
from os import PathLike
from typing import TYPE_CHECKING, Any, Literal, overload

from tidegate import _tidegate as _core
from tidegate._config import (
    Backoff,
    ErrorPattern,
    HalfOpen,
    Json,
    Lease,
    Limit,
    Mode,
    OnLimit,
    Others,
    StoreState,
    StoreWatch,
    Time,
    Trip,
    WhenAway,
)
from tidegate._opening import Place, open_gate
from tidegate._pickling import Gate, opened_again
from tidegate._rules import FailureIf, FailureOf
from tidegate._settings import as_dict, asks_of, charge_of, open_breaker, open_limiter
from tidegate._store_changes import listener_of
from tidegate._sync_breaker import CircuitBreaker
from tidegate._sync_limits import LimitMethods
from tidegate._sync_nodes import NodeMethods
from tidegate._tidegate import (
    Admission,
    Decision,
    ManualClock,
    Stats,
    StoreChange,
)

if TYPE_CHECKING:
    from typing_extensions import Self


class Tidegate(NodeMethods):
    """Resilience policies on a store, for threads. `tidegate.aio.Tidegate` is the same for asyncio.

    ``store`` is a `Memory`, which gates of this process may share, or a `Redis` or its URL, which processes share; by
    default a memory of its own. ``clock`` is the system's unless a `ManualClock` is given. A `Redis` connects in the
    background; until it has, calls wait for it as long as for an answer.

    In a forked child a gate starts anew: with a connection of its own, and an empty memory.
    """

    def __init__(
        self,
        store: Place | None = None,
        clock: ManualClock | None = None,
        *,
        component_file: str | PathLike[str] | None = None,
        code_cache: str | PathLike[str] | Literal[False] | None = None,
        max_known: int | None = None,
        max_batch: int | None = None,
        max_waiting: int | None = None,
        max_attempts: int | None = None,
        flush_delay_ms: int | None = None,
        max_staleness_ms: int | None = None,
        store_watch: StoreWatch | None = StoreWatch(),  # noqa: B008 - it is frozen
        on_store_change: Callable[[StoreChange], object] | None = None,
        require_shared: bool | None = None,
    ) -> None:
        """Opens a gate.

        ``component_file`` runs another component of the same world, which is compiled at the first start, for half a
        second. Its code is kept in ``code_cache``, the absolute path of a folder in which only this user may write,
        in the user's cache folder unless set; False: nowhere. The built-in component needs none of that.

        With a shared store, ``max_known`` is of how many entities to remember what was last seen (65,536),
        ``max_batch`` how many calls on one go out together (256), ``max_waiting`` how many calls may wait for the store
        in this process before one more ends in `OverloadedError` (1,000,000), ``max_attempts`` how often a call is
        committed before it ends in `ContendedError` (64), and ``flush_delay_ms`` how long successes of a closed circuit
        are kept back to be recorded together (20). What the store has refused is refused again without asking it for
        ``max_staleness_ms`` (at most 100, as by default).

        ``store_watch`` says when a shared store counts as away, so that calls are answered at once instead of waiting
        for it; None: it is asked every time. ``on_store_change`` is called when a shared store goes away, is tried
        again or comes back: in the order of the changes, one at a time, in any thread. It must return at once; for
        asyncio, let it hand over by ``loop.call_soon_threadsafe``.

        With ``require_shared``, or unless that is said where the environment has ``TIDEGATE_ENV=production``, a gate in
        memory is a `ConfigError`: what is counted there is counted in each process.
        """
        options: dict[str, Any] = {
            "component_file": component_file,
            "code_cache": code_cache,
            "max_known": max_known,
            "max_batch": max_batch,
            "max_waiting": max_waiting,
            "max_attempts": max_attempts,
            "flush_delay_ms": flush_delay_ms,
            "max_staleness_ms": max_staleness_ms,
            "store_watch": store_watch,
            "on_store_change": listener_of(on_store_change),
            "require_shared": require_shared,
        }
        self._core, place = open_gate(store, clock, options)
        self._opened_with(place, clock, options)

    @overload
    def rate_limiter(self, config: Json, /) -> RateLimiter: ...

    @overload
    def rate_limiter(
        self,
        config: str,
        /,
        *,
        limit: Limit | str | None = ...,
        limits: Sequence[Limit | str] | None = ...,
        on_limit: OnLimit | None = ...,
        lease: Lease | None = ...,
        when_away: WhenAway | None = ...,
    ) -> RateLimiter: ...

    def rate_limiter(
        self,
        config: Json | str,
        /,
        *,
        limit: Limit | str | None = None,
        limits: Sequence[Limit | str] | None = None,
        on_limit: OnLimit | None = None,
        lease: Lease | None = None,
        when_away: WhenAway | None = None,
    ) -> RateLimiter:
        """Opens a rate limiter, by its name and settings or by a mapping with all of them as JSON has them.

        Limiters of the same name on the same store share the state of their keys. A call needs room in all ``limits``
        (``limit`` is one of them) and is charged in all or none. By default a call over a limit is denied, every call
        is charged by itself, without a ``lease``, and a store that is away is an error. Raises `ConfigError` with all
        problems.
        """
        return RateLimiter(open_limiter(self._core, config, limit, limits, on_limit, lease, when_away), self)

    @overload
    def circuit_breaker(
        self,
        config: Json,
        /,
        *,
        timeout_ms: float | timedelta | None = ...,
        failure_of: FailureOf | None = ...,
        failure_if: FailureIf | None = ...,
    ) -> CircuitBreaker: ...

    @overload
    def circuit_breaker(
        self,
        config: str,
        /,
        *,
        trip: Trip | None = ...,
        consecutive: int | None = ...,
        open_ms: Time | None = ...,
        backoff: Backoff | None = ...,
        half_open: HalfOpen | None = ...,
        monitored: Sequence[ErrorPattern | type[BaseException]] | None = ...,
        others: Others | None = ...,
        ignored: Sequence[ErrorPattern | type[BaseException]] | None = ...,
        mode: Mode | None = ...,
        when_away: WhenAway | None = ...,
        count_refusals: bool | None = ...,
        timeout_ms: float | timedelta | None = ...,
        failure_of: FailureOf | None = ...,
        failure_if: FailureIf | None = ...,
    ) -> CircuitBreaker: ...

    def circuit_breaker(self, config: Json | str, /, **settings: Any) -> CircuitBreaker:
        """Opens a circuit breaker, by its name and settings or by a mapping with all of them as JSON has them.

        Circuits of the same name on the same store are one circuit. ``trip`` says when it opens, ``consecutive=5`` is
        short for ``trip=Trip(consecutive=5)``; it stays open for ``open_ms`` (30,000). Errors that match one of
        ``ignored`` (none) are neither failure nor success, nor are those that match none of ``monitored`` (all), unless
        ``others`` is ``success``; both take exception classes too, each with its subclasses. How its calls
        go say ``count_refusals`` and, for this handle alone, the last three: see `CircuitBreaker.__call__`. Raises
        `ConfigError`.
        """
        core, rules = open_breaker(self._core, config, settings)
        return CircuitBreaker(core, self, rules)

    def stats(self) -> Stats:
        """What it has done so far in this process."""
        return self._core.stats()

    def store_state(self) -> StoreState:
        """Whether a shared store answers, as far as its watch knows; of a cluster, the worst of its parts.

        Before the first answer it is ``unknown``: see `ready`.
        """
        return self._core.store_state()

    def ready(self, *, timeout_ms: int = 5_000) -> None:
        """Waits until a shared store does what a call asks of it, for ``timeout_ms`` milliseconds at most.

        For when a service starts; no call needs it. A memory is always ready; of a cluster it is one of the nodes.
        Raises `StoreError` when the time is over, with what the store last failed with.
        """
        self._core.ready(timeout_ms)

    def flush(self) -> None:
        """Returns when a shared store has all that is recorded in the background. Call it before the process ends."""
        self._core.flush()

    def __enter__(self) -> Self:
        """The gate itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Flushes."""
        self.flush()


class RateLimiter(LimitMethods):
    """A handle on a rate limiter, to be shared between threads. It holds no state of any key."""

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

    def try_acquire(self, key: str, *, cost: int = 1) -> Decision:
        """Asks for permits now: allowed or denied, never a wait. A decision is true where it is allowed.

        Raises `CostNeverFitsError`, and `StoreError` and `ContendedError` with a shared store.
        """
        return self._core.try_acquire(key, cost)

    def try_acquire_many(self, asks: Iterable[str | tuple[str, int]]) -> list[Decision | Exception]:
        """Asks for permits for several keys, each a key or a key and its cost: as `try_acquire` would for each in turn.

        In place of a decision that there is not, the list has the exception that `try_acquire` would raise. On the
        memory store it is one call of the policy; on a shared one all that is asked for one key is one round trip.
        """
        return self._core.try_acquire_many(asks_of(asks))

    def acquire(self, key: str, *, cost: int = 1, priority: int = 0) -> Admission:
        """Asks for permits and waits for them, as the settings say; `RateLimitError` where they are denied.

        Whoever stops waiting, such as by Ctrl-C, leaves the queue or gives the reserved place back.
        """
        return self._core.acquire(key, cost, priority)

    def decide(self, key: str, ticket: int | None = None, *, cost: int = 1, priority: int = 0) -> Decision:
        """One step of `acquire` that never waits, for workflows that keep their own timers.

        Asks for permits, or comes back with the ticket of the last decision after its ``wait_ms``. Without a ticket in
        the decision, a wait is a reserved place that has been charged: go after that time.
        """
        return self._core.decide(key, ticket, cost, priority)

    def peek(self, key: str, *, cost: int = 1) -> Decision:
        """What `try_acquire` would answer, without charging."""
        return self._core.peek(key, cost)

    def refund(
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
        return self._core.refund(key, *charge_of(decision, charged_at_us, full_at_us), cost)

    def charge(self, key: str, cost: int) -> Decision:
        """Charges what was used already, such as tokens of a model's answer: never refused, whatever the limits say.

        What does not fit is a debt, and calls that come later wait until it is paid, by the rate of the limit;
        ``retry_after_ms`` says for how long. Of a debt to windows or a log nothing can be given back. What is owed
        beyond 1,000 windows is forgotten. While the store is away, unless that is an error, it counts on this host and
        is charged when the store is back, like what was let go meanwhile: as much as then still fits.
        """
        return self._core.charge(key, cost)

    def cancel(self, key: str, ticket: int) -> bool:
        """Takes a waiter out of the queue; False: it was not in it."""
        return self._core.cancel(key, ticket)

    def reset(self, key: str) -> None:
        """Forgets what was charged to a key. Those who wait keep their places."""
        self._core.reset(key)

    @contextmanager
    def permit(self, key: str, *, cost: int = 1, priority: int = 0) -> Generator[Admission]:
        """A block that is entered with permits. They are spent by then, whatever becomes of the block."""
        yield self.acquire(key, cost=cost, priority=priority)

    def __reduce__(self) -> tuple[Any, ...]:
        """The gate, and what it is opened with there."""
        return opened_again, (self._gate, "rate_limiter", self.config, ())

    def __repr__(self) -> str:
        """Its class and name."""
        return f"RateLimiter({self.name!r})"
