# Made from _aio.py by `python -m tools.sync_face`.
# Change that, or the words in tools/sync_words.py.
"""Gates, limiters and breakers for threads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from os import PathLike
from typing import TYPE_CHECKING, Any, Literal, overload

from tidegate._config import Json, StoreState, StoreWatch, Time, WhenAway
from tidegate._opening import Place, open_gate
from tidegate._store_changes import listener_of
from tidegate._strategies.circuit_breaker.config import Backoff, ErrorPattern, HalfOpen, Mode, Others, Trip
from tidegate._strategies.circuit_breaker.opening import open_breaker
from tidegate._strategies.circuit_breaker.rules import FailureIf, FailureOf
from tidegate._strategies.circuit_breaker.sync_handle import CircuitBreaker
from tidegate._strategies.rate_limiter.config import Lease, Limit, OnLimit
from tidegate._strategies.rate_limiter.opening import open_limiter
from tidegate._strategies.rate_limiter.sync_handle import RateLimiter
from tidegate._sync_nodes import NodeMethods
from tidegate._tidegate import ManualClock, Stats, StoreChange

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
