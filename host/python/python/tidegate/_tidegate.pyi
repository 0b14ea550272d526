# ruff: noqa: PYI021 - editors show the text of these docstrings: the compiled fields have none.
"""The compiled part of the package. What is not exported by `tidegate` is not for use by itself."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, Generic, Literal, NoReturn, TypeAlias, TypeVar, final

__all__ = [
    "Admission",
    "Bridge",
    "CircuitBreaker",
    "CircuitBreakerNode",
    "CircuitReport",
    "Decision",
    "Forgotten",
    "ForgottenNews",
    "Gate",
    "ManualClock",
    "Memory",
    "Pending",
    "Permit",
    "RateLimiter",
    "RateLimiterNode",
    "Redis",
    "ScriptedStore",
    "Stats",
    "StoreChange",
    "StoreChanges",
    "Transition",
    "Warnings",
    "redis_url_of_env",
]

def redis_url_of_env() -> str:
    """The URL of the Redis that the environment names."""

_StepParts: TypeAlias = tuple[bool, int, str | None, str | None]
_Texts: TypeAlias = tuple[str, str, str, str]
_PassageParts: TypeAlias = tuple[str, str | None, CircuitReport]
_T_co = TypeVar("_T_co", covariant=True)

_Verdict: TypeAlias = Literal["allowed", "wait", "denied"]
_Reason: TypeAlias = Literal["none", "limit", "max-wait", "queue-full", "queue-timeout", "store-away"]
_State: TypeAlias = Literal["closed", "open", "half-open"]
_Mode: TypeAlias = Literal["normal", "forced-open", "forced-closed", "disabled", "metrics-only"]
_Effect: TypeAlias = Literal[
    "none",
    "admitted",
    "refused-open",
    "refused-probes",
    "refused-forced",
    "refused-away",
    "counted-success",
    "counted-failure",
    "counted-slow",
    "ignored",
    "late",
    "ordered",
]
_Cause: TypeAlias = Literal[
    "failures",
    "consecutive",
    "failure-rate",
    "slow-rate",
    "open-elapsed",
    "probe-failed",
    "probes-succeeded",
    "mode",
    "reset",
]

_StoreState: TypeAlias = Literal["unknown", "available", "probing", "away"]

@final
class Decision:
    """A decision. The counts are those of the limit that binds: the one with the least room."""

    @property
    def verdict(self) -> _Verdict:
        """Go, wait, or do not."""
    @property
    def reason(self) -> _Reason:
        """Why not."""
    @property
    def at_us(self) -> int:
        """The time of the decision on the store's clock."""
    @property
    def charged_at_us(self) -> int | None:
        """When the permits were charged: what a refund needs. None: nothing was, or a debt that nobody gives back."""

    @property
    def full_at_us(self) -> int | None:
        """When the bucket was due to be full just before: what a refund needs, too. None: not charged to a bucket."""
    @property
    def binding(self) -> int:
        """Which limit binds, counted from 0."""
    @property
    def count(self) -> int:
        """Permits that count against that limit after this decision."""
    @property
    def limit(self) -> int:
        """That limit; for `Gcra` and `TokenBucket` the burst."""
    @property
    def remaining(self) -> int:
        """How many more would be allowed at once."""
    @property
    def reset_after_ms(self) -> int:
        """Until nothing counts any more, rounded up."""
    @property
    def retry_after_ms(self) -> int:
        """Denied: until the same call would be accepted if nobody else came, rounded up."""
    @property
    def wait_ms(self) -> int:
        """To wait: until to go or to come back, rounded up."""
    @property
    def position(self) -> int | None:
        """Position in the queue, counted from 1."""
    @property
    def waiting(self) -> int:
        """How many are in the queue."""
    @property
    def ticket(self) -> int | None:
        """What to come back with."""
    @property
    def discarded(self) -> int:
        """Stored values that did not decode and were taken as absent."""
    @property
    def leased(self) -> bool:
        """Whether the call was let go on a lease that this host held: the counts are then those of the lease."""
    @property
    def release_after_ms(self) -> int | None:
        """The call has taken a lease: until it ends, rounded up. What is left then is given back by itself."""
    @property
    def degraded(self) -> bool:
        """Whether this was decided without the store, as ``when_away`` says."""
    @property
    def is_allowed(self) -> bool:
        """Whether to go now."""
    def __bool__(self) -> bool: ...
    def to_dict(self) -> dict[str, Any]:
        """The fields by their names, as JSON can hold them."""
    @staticmethod
    def from_dict(fields: Mapping[str, Any]) -> Decision:
        """What `to_dict` was called on, in this process or another."""
    def __reduce__(self) -> tuple[Any, tuple[dict[str, Any]]]: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    __hash__: None  # type: ignore[assignment]

@final
class Admission:
    """A permit, and how long it was waited for."""

    @property
    def decision(self) -> Decision:
        """The decision that admitted the call, or reserved its place."""
    @property
    def waited_ms(self) -> int:
        """How long the call waited, by this host's clock."""
    def to_dict(self) -> dict[str, Any]:
        """The fields by their names, as JSON can hold them."""
    @staticmethod
    def from_dict(fields: Mapping[str, Any]) -> Admission:
        """What `to_dict` was called on, in this process or another."""
    def __reduce__(self) -> tuple[Any, tuple[dict[str, Any]]]: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    __hash__: None  # type: ignore[assignment]

@final
class Permit:
    """What a call was admitted with. It goes with the outcome, from any process and language."""

    @property
    def generation(self) -> int:
        """The generation that admitted the call."""
    @property
    def admitted_at_us(self) -> int:
        """When."""
    @property
    def probe(self) -> int:
        """Which probe of a half-open circuit; 0: not a probe."""
    @property
    def degraded(self) -> bool:
        """Whether the call was admitted without the store: its outcome counts for this host alone, or nowhere."""
    def to_dict(self) -> dict[str, Any]:
        """The fields by their names, as JSON can hold them."""
    @staticmethod
    def from_dict(fields: Mapping[str, Any]) -> Permit:
        """What `to_dict` was called on, in this process or another."""
    def __reduce__(self) -> tuple[Any, tuple[dict[str, Any]]]: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    __hash__: None  # type: ignore[assignment]

@final
class Transition:
    """A state change."""

    @property
    def cause(self) -> _Cause:
        """Why."""
    @property
    def before(self) -> _State:
        """The state before."""
    @property
    def after(self) -> _State:
        """The state after."""
    def to_dict(self) -> dict[str, Any]:
        """The fields by their names, as JSON can hold them."""
    @staticmethod
    def from_dict(fields: Mapping[str, Any]) -> Transition:
        """What `to_dict` was called on, in this process or another."""
    def __reduce__(self) -> tuple[Any, tuple[dict[str, Any]]]: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    __hash__: None  # type: ignore[assignment]

@final
class CircuitReport:
    """The circuit after a call, an outcome or an order."""

    @property
    def effect(self) -> _Effect:
        """What became of it."""
    @property
    def state(self) -> _State:
        """The state."""
    @property
    def mode(self) -> _Mode:
        """The mode in force."""
    @property
    def generation(self) -> int:
        """The time of the last state change, made unique; 0: none is known."""
    @property
    def permit(self) -> Permit | None:
        """The permit, where a call was admitted."""
    @property
    def failures(self) -> int:
        """Failures within the time of the failure count rule; 0 without it."""
    @property
    def consecutive(self) -> int:
        """Failures since the last success."""
    @property
    def calls(self) -> int:
        """Calls in the sample."""
    @property
    def failed(self) -> int:
        """Failed calls in the sample."""
    @property
    def slow(self) -> int:
        """Slow calls in the sample."""
    @property
    def failure_rate(self) -> float:
        """Failed calls in percent of the sample's."""
    @property
    def slow_rate(self) -> float:
        """Slow calls in percent of the sample's."""
    @property
    def successes(self) -> int:
        """Successes of the half-open circuit so far."""
    @property
    def probes(self) -> int:
        """Probes in flight."""
    @property
    def retry_after_ms(self) -> int:
        """Until a call may be admitted, where it would be refused now, rounded up; 0: now, or not known."""
    @property
    def last_failure_us(self) -> int | None:
        """When the last failure was counted."""
    @property
    def event(self) -> Transition | None:
        """The state change that this very call made; in metrics-only mode, one that it would have made."""
    @property
    def discarded(self) -> int:
        """Stored values that did not decode and were taken as absent."""
    @property
    def degraded(self) -> bool:
        """Whether this was decided without the store, as ``when_away`` says."""
    @property
    def is_admitted(self) -> bool:
        """Whether a call was admitted."""
    def to_dict(self) -> dict[str, Any]:
        """The fields by their names, as JSON can hold them."""
    @staticmethod
    def from_dict(fields: Mapping[str, Any]) -> CircuitReport:
        """What `to_dict` was called on, in this process or another."""
    def __reduce__(self) -> tuple[Any, tuple[dict[str, Any]]]: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    __hash__: None  # type: ignore[assignment]

@final
class Stats:
    """What a gate has done so far in this process."""

    @property
    def commits(self) -> int:
        """Commits sent to a shared store."""
    @property
    def refused(self) -> int:
        """Commits that were refused because the store knew better; each was tried again."""
    @property
    def untimely(self) -> int:
        """Commits that were refused because of their time; each was tried again."""
    @property
    def reruns(self) -> int:
        """Commits that were applied with other numbers than known, whose runs were repeated on those."""
    @property
    def diverged(self) -> int:
        """Repeated runs that did something else: a defect in a policy."""
    @property
    def foreign(self) -> int:
        """Values in a shared store that were not ours and were taken as absent."""
    @property
    def contended(self) -> int:
        """Calls given up as contended."""
    @property
    def deferred(self) -> int:
        """Outcomes that were recorded in the background."""
    @property
    def lost(self) -> int:
        """Background work that failed and was dropped."""
    @property
    def local(self) -> int:
        """Calls that were refused on what was known, without asking a shared store."""
    @property
    def leases(self) -> int:
        """Leases that were taken. Of those that one batch has taken on a key, one counts."""
    @property
    def leased(self) -> int:
        """Calls that were let go on a lease, without asking a shared store."""
    @property
    def released(self) -> int:
        """Permits that were left of leases, and given back when those ended or the gate was flushed."""
    @property
    def degraded(self) -> int:
        """Answers that were given without the store, as ``when_away`` says."""
    @property
    def posted(self) -> int:
        """Permits that were let go without the store and charged when it was back, or found to fit no more."""
    @property
    def watch_refused(self) -> int:
        """Calls, and batches of calls, that the guard round the store turned away."""
    @property
    def forgotten(self) -> int:
        """Entities that a full memory store has forgotten."""
    @property
    def most_attempts(self) -> int:
        """The most commits that any batch of calls took until it was applied."""
    @property
    def instances(self) -> int:
        """Instances of the component that are alive."""
    @property
    def instantiated(self) -> int:
        """Instances made in all."""
    @property
    def traps(self) -> int:
        """Runs that did not end well."""
    @property
    def timeouts(self) -> int:
        """How many of them ran over their time."""
    @property
    def retries(self) -> int:
        """Calls that were tried again on a fresh instance."""
    @property
    def failures(self) -> int:
        """Calls that failed there too."""
    def to_dict(self) -> dict[str, Any]:
        """The fields by their names, as JSON can hold them."""
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    __hash__: None  # type: ignore[assignment]

@final
class StoreChange:
    """A store went away, is tried again, or came back."""

    @property
    def shard(self) -> int:
        """Which part of the store: of a cluster, which 256 of its slots; 0 otherwise."""
    @property
    def before(self) -> _StoreState:
        """The state before."""
    @property
    def after(self) -> _StoreState:
        """The state after."""
    @property
    def cause(self) -> str:
        """Why, in words."""
    def to_dict(self) -> dict[str, Any]:
        """The fields by their names, as JSON can hold them."""
    @staticmethod
    def from_dict(fields: Mapping[str, Any]) -> StoreChange:
        """What `to_dict` was called on, in this process or another."""
    def __reduce__(self) -> tuple[Any, tuple[dict[str, Any]]]: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    __hash__: None  # type: ignore[assignment]

@final
class Forgotten:
    """What a full memory store has forgotten so far."""

    @property
    def entities(self) -> int:
        """How many entities."""
    @property
    def permits(self) -> int:
        """How many permits (of circuits, failures) counted in them at last. This many may be admitted too much."""
    def to_dict(self) -> dict[str, Any]:
        """The fields by their names, as JSON can hold them."""
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    __hash__: None  # type: ignore[assignment]

@final
class Memory:
    """Keeps state in this process, for all gates it is given to. A forked child has one of its own, and empty.

    It holds ``capacity`` entities that are in use. When it is full, a newcomer makes it forget the entity whose
    forgetting gives away the least (``when_full="forget"``). That one starts afresh, so at most the permits that
    counted in it can be admitted once more. With ``"refuse"`` the newcomer gets a `StoreError` instead.
    ``on_forgotten`` is told, in a thread of its own, of all that was forgotten so far: at once, and then at most once
    a second.
    """

    def __new__(
        cls,
        *,
        capacity: int = 1_000_000,
        when_full: Literal["forget", "refuse"] = "forget",
        on_forgotten: Callable[[Forgotten], object] | None = None,
    ) -> Memory: ...
    def forgotten(self) -> Forgotten:
        """What it has forgotten so far in this process because it was full."""
    def __copy__(self) -> Memory: ...
    def __deepcopy__(self, _memo: object, /) -> Memory: ...
    def __reduce__(self) -> NoReturn: ...

@final
class ScriptedStore:
    """A memory behind the commit protocol, whose next answers are laid down, and which keeps what it was sent.

    ``script`` is a JSON array with an answer for each commit to come: ``{"before": [{"cell", "text", "ttlMs"}]}``
    (another host writes first), ``{"refuse": [text]}``, ``{"untimely": {"aheadUs"}}``, ``{"away": reason}``, or ``{}``.
    """

    def __new__(cls, memory: Memory, clock: ManualClock, script: str = "[]") -> ScriptedStore: ...
    def take_commits(self) -> list[str]:
        """The commits since this was last asked, each as JSON text."""

    def write(self, entity: tuple[str, str, str], cell: str, text: str | None, ttl_ms: int) -> None:
        """Writes a cell of an entity (kind, name, key) as another host would; None deletes it."""

@final
class Redis:
    """Shares state through Redis 6.2 or later, or Valkey: the settings of connections, one for each gate.

    The URL reads ``redis://[user[:password]@]host[:port][/db]``, with ``rediss`` for TLS, or ``redis+unix:///path``.
    ``redis+sentinel://[user[:password]@]host[:port][,host[:port]...]/master-name[/db]`` asks Sentinels for the master,
    each time a connection is opened; ``rediss+sentinel`` speaks TLS with them and with the servers. User and password
    are those of the servers, the Sentinels' own are ``?sentinel_user=`` and ``?sentinel_password=``. The same by
    settings: ``Redis("redis://mymaster", sentinels=["redis://10.0.0.1:26379", "redis://10.0.0.2:26379"])``.

    Hosts share cells if they share server and ``prefix``, which all keys begin with: staging and production on one
    Redis share limits unless each has a prefix of its own. ``client_name`` is what ``CLIENT LIST`` calls the
    connections. An answer may take ``timeout_ms`` from when a call is handed to the connection, opening a connection
    ``connect_timeout_ms``, both 1 to 60,000. ``cluster`` says that the server is a node of a Redis Cluster, ``nodes``
    names others of its nodes. Certificates are in PEM: ``root_certificate`` of whom to trust in place of the public
    authorities, ``client_certificate`` and its key of who we are. Raises `ConfigError`; connects to nothing yet.
    """

    def __new__(
        cls,
        url: str,
        *,
        cluster: bool = False,
        nodes: list[str] = ...,
        sentinels: list[str] = ...,
        prefix: str = "tidegate",
        client_name: str = "tidegate",
        timeout_ms: int = 250,
        connect_timeout_ms: int = 2000,
        root_certificate: bytes | None = None,
        client_certificate: tuple[bytes, bytes] | None = None,
    ) -> Redis: ...
    def __copy__(self) -> Redis: ...
    def __deepcopy__(self, _memo: object, /) -> Redis: ...
    def __getnewargs_ex__(self) -> tuple[tuple[str], dict[str, Any]]: ...

@final
class ManualClock:
    """A clock that stands still until it is told to move: for tests of code that uses Tidegate.

    It stands at ``now_us``, by default noon of 1 January 2026, UTC.
    """

    def __new__(cls, now_us: int | None = None) -> ManualClock: ...
    @property
    def now_us(self) -> int:
        """Microseconds since 1970."""
    def advance_ms(self, time_ms: timedelta | float) -> None:
        """Moves on by this many milliseconds, or a `timedelta`, and wakes those whose time has come."""
    def set_us(self, now_us: int) -> None:
        """Jumps to a time, earlier or later."""
    def __reduce__(self) -> NoReturn: ...

@final
class Bridge:
    def __new__(cls) -> Bridge: ...
    def watch(self, running: asyncio.AbstractEventLoop) -> None: ...
    def drain(self) -> None: ...

@final
class Pending(Generic[_T_co]):
    @property
    def future(self) -> asyncio.Future[None]: ...
    def take(self) -> _T_co: ...
    def cancel(self) -> None: ...
    def give_up(self) -> asyncio.Future[None] | None: ...

@final
class StoreChanges:
    def next(self) -> StoreChange | None: ...

@final
class Warnings:
    def next(self) -> str | None: ...

@final
class ForgottenNews:
    def next(self) -> Forgotten | None: ...

@final
class Gate:
    def __new__(
        cls,
        store: Memory | Redis | ScriptedStore | None = None,
        clock: ManualClock | None = None,
        *,
        component_file: str | None = None,
        code_cache: str | bool | None = None,
        max_known: int | None = None,
        max_batch: int | None = None,
        max_waiting: int | None = None,
        max_attempts: int | None = None,
        flush_delay_ms: int | None = None,
        max_staleness_ms: int | None = None,
        store_watch: tuple[int, int, int] | None = None,
        on_store_change: Callable[[StoreChange], object] | None = None,
        require_shared: bool | None = None,
    ) -> Gate: ...
    def rate_limiter(self, config: str, is_mapping: bool) -> RateLimiter: ...
    def circuit_breaker(self, config: str, is_mapping: bool) -> CircuitBreaker: ...
    def rate_limiter_node(self, config: str) -> RateLimiterNode: ...
    def circuit_breaker_node(self, config: str) -> CircuitBreakerNode: ...
    def node_registry(self) -> str: ...
    def now_us(self) -> int: ...
    def stats(self) -> Stats: ...
    def store_state(self) -> _StoreState: ...
    def ready(self, timeout_ms: int) -> None: ...
    def start_ready(self, timeout_ms: int) -> Pending[None] | None: ...
    def flush(self) -> None: ...
    def start_flush(self) -> Pending[None] | None: ...

@final
class RateLimiter:
    @property
    def name(self) -> str: ...
    def config_json(self) -> str: ...
    def try_acquire(self, key: str, cost: int) -> Decision: ...
    def try_acquire_many(self, asks: list[tuple[str, int]]) -> list[Decision | Exception]: ...
    def acquire(self, key: str, cost: int, priority: int) -> Admission: ...
    def decide(self, key: str, ticket: int | None, cost: int, priority: int) -> Decision: ...
    def peek(self, key: str, cost: int) -> Decision: ...
    def refund(
        self, key: str, charged_at_us: int | None, full_at_us: int | None, degraded: bool, cost: int
    ) -> Decision: ...
    def charge(self, key: str, cost: int) -> Decision: ...
    def cancel(self, key: str, ticket: int) -> bool: ...
    def reset(self, key: str) -> None: ...
    def start_try_acquire(self, key: str, cost: int) -> Decision | Pending[Decision]: ...
    def start_try_acquire_many(
        self, asks: list[tuple[str, int]]
    ) -> list[Decision | Exception] | Pending[list[Decision | Exception]]: ...
    def start_acquire(self, key: str, cost: int, priority: int) -> Admission | Pending[Admission]: ...
    def start_decide(self, key: str, ticket: int | None, cost: int, priority: int) -> Decision | Pending[Decision]: ...
    def start_peek(self, key: str, cost: int) -> Decision | Pending[Decision]: ...
    def start_refund(
        self, key: str, charged_at_us: int | None, full_at_us: int | None, degraded: bool, cost: int
    ) -> Decision | Pending[Decision]: ...
    def start_charge(self, key: str, cost: int) -> Decision | Pending[Decision]: ...
    def start_cancel(self, key: str, ticket: int) -> bool | Pending[bool]: ...
    def start_reset(self, key: str) -> Pending[None] | None: ...

@final
class CircuitBreaker:
    @property
    def name(self) -> str: ...
    @property
    def key(self) -> str: ...
    def config_json(self) -> str: ...
    def keyed(self, key: str) -> CircuitBreaker: ...
    def doubts(self) -> list[tuple[str, str]]: ...
    def admit(self) -> CircuitReport: ...
    def succeeded(self, permit: Permit, elapsed_ms: float) -> CircuitReport: ...
    def failed(self, permit: Permit, elapsed_ms: float, errors: list[_Texts]) -> CircuitReport: ...
    def cancelled(self, permit: Permit, elapsed_ms: float) -> CircuitReport: ...
    def status(self) -> CircuitReport: ...
    def set_mode(self, mode: str) -> CircuitReport: ...
    def reset(self) -> CircuitReport: ...
    def start_admit(self) -> CircuitReport | Pending[CircuitReport]: ...
    def start_succeeded(self, permit: Permit, elapsed_ms: float) -> CircuitReport | Pending[CircuitReport]: ...
    def start_failed(
        self, permit: Permit, elapsed_ms: float, errors: list[_Texts]
    ) -> CircuitReport | Pending[CircuitReport]: ...
    def start_cancelled(self, permit: Permit, elapsed_ms: float) -> CircuitReport | Pending[CircuitReport]: ...
    def start_status(self) -> CircuitReport | Pending[CircuitReport]: ...
    def start_set_mode(self, mode: str) -> CircuitReport | Pending[CircuitReport]: ...
    def start_reset(self) -> CircuitReport | Pending[CircuitReport]: ...
    def give_back(self, permit: Permit, elapsed_ms: float) -> None: ...

@final
class RateLimiterNode:
    def reads(self) -> list[str]: ...
    def output_variable(self) -> str | None: ...
    def subject(self, context: str) -> tuple[str, str, int]: ...
    def output(self, context: str, result: str) -> str: ...
    def execute(self, context: str) -> _StepParts: ...
    def step(self, context: str, token: str | None) -> _StepParts: ...
    def abandon(self, context: str, token: str) -> bool: ...
    def start_execute(self, context: str) -> _StepParts | Pending[_StepParts]: ...
    def start_step(self, context: str, token: str | None) -> _StepParts | Pending[_StepParts]: ...
    def start_abandon(self, context: str, token: str) -> bool | Pending[bool]: ...

@final
class CircuitBreakerNode:
    def circuit_id(self) -> str: ...
    def fallback_action(self) -> Literal["error", "default", "skip"]: ...
    def fallback_value(self) -> str | None: ...
    def output_variable(self) -> str | None: ...
    def output(self, context: str, result: str) -> str: ...
    def admit(self) -> _PassageParts: ...
    def succeeded(self, token: str | None) -> _PassageParts: ...
    def failed(self, token: str | None, errors: list[_Texts]) -> _PassageParts: ...
    def cancelled(self, token: str | None) -> _PassageParts: ...
    def status(self) -> _PassageParts: ...
    def start_admit(self) -> _PassageParts | Pending[_PassageParts]: ...
    def start_succeeded(self, token: str | None) -> _PassageParts | Pending[_PassageParts]: ...
    def start_failed(self, token: str | None, errors: list[_Texts]) -> _PassageParts | Pending[_PassageParts]: ...
    def start_cancelled(self, token: str | None) -> _PassageParts | Pending[_PassageParts]: ...
    def start_status(self) -> _PassageParts | Pending[_PassageParts]: ...
    def give_back(self, token: str) -> None: ...
