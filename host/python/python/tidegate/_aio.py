"""Gates, limiters and breakers for asyncio."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from os import PathLike
from typing import TYPE_CHECKING, Any, Literal, overload

from tidegate._aio_nodes import NodeMethods
from tidegate._config import Json, StoreState, StoreWatch, Time, WhenAway
from tidegate._loops import heard
from tidegate._opening import Place, open_gate
from tidegate._store_changes import listener_of
from tidegate._strategies.circuit_breaker.aio_handle import CircuitBreaker
from tidegate._strategies.circuit_breaker.config import Backoff, ErrorPattern, HalfOpen, Mode, Others, Trip
from tidegate._strategies.circuit_breaker.opening import open_breaker
from tidegate._strategies.circuit_breaker.rules import FailureIf, FailureOf
from tidegate._strategies.rate_limiter.aio_handle import RateLimiter
from tidegate._strategies.rate_limiter.config import Lease, Limit, OnLimit
from tidegate._strategies.rate_limiter.opening import open_limiter
from tidegate._tidegate import ManualClock, Stats, StoreChange

if TYPE_CHECKING:
    from typing_extensions import Self


class Tidegate(NodeMethods):
    """Resilience policies on a store, for asyncio. `tidegate.Tidegate` is the same for threads.

    It may be opened outside a loop and used from several. See there for the store, the clock and forks.
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
        """See `tidegate.Tidegate`."""
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
        """See `tidegate.Tidegate.rate_limiter`. Nothing is waited for."""
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
        """See `tidegate.Tidegate.circuit_breaker`. Nothing is waited for."""
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

    async def ready(self, *, timeout_ms: int = 5_000) -> None:
        """See `tidegate.Tidegate.ready`."""
        await heard(self._core.start_ready(timeout_ms))

    async def flush(self) -> None:
        """Returns when a shared store has all that is recorded in the background. Call it before the process ends."""
        await heard(self._core.start_flush())

    async def __aenter__(self) -> Self:
        """The gate itself."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Flushes."""
        await self.flush()
