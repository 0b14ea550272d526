"""Each wrong use gives one error that names the path, the value and what is allowed, as one writes it in Python."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any, cast

import pytest

from tidegate import (
    Backoff,
    CircuitBreaker,
    Delay,
    ErrorPattern,
    FailureCount,
    HalfOpen,
    Lease,
    Limit,
    ManualClock,
    Memory,
    ProbeRate,
    ProbeRatio,
    Queue,
    RateLimiter,
    Redis,
    SampleCalls,
    SampleWindow,
    Share,
    SlidingWindow,
    SlowRate,
    StoreWatch,
    Tidegate,
    TokenBucket,
    Trip,
    aio,
)

OK = Limit.per_second(1)
ADDRESS = "redis://127.0.0.1:1"
Any_: Any = None


def limiter(**settings: Any) -> RateLimiter:
    return Tidegate().rate_limiter("a", **settings)


def breaker(**settings: Any) -> CircuitBreaker:
    return Tidegate().circuit_breaker("a", **settings)


def opened() -> RateLimiter:
    return limiter(limit=OK)


class Client:
    """Whatever else one may have for a Redis."""


U32 = "a whole number from 0 to 4294967295"
UNITS = "one of 'millisecond', 'second', 'minute', 'hour', 'day'"
URL = "a URL such as redis://[user[:password]@]host[:port][/db], with rediss for TLS, or redis+unix:///path"

WRONG: list[tuple[Callable[[], object], str]] = [
    (lambda: limiter(limit=Limit(1, Any_)), f"limit.window is missing, must be {UNITS}"),
    (lambda: limiter(limit=Limit(1, "sec")), f"limit.window is 'sec', must be {UNITS}"),  # type: ignore[arg-type]
    (limiter, "limits is 0 limits, must be 1 to 8 limits"),
    (lambda: limiter(limits=[OK] * 9), "limits is 9 limits, must be 1 to 8 limits"),
    (lambda: limiter(limit=10), "limit is 10, must be Limit(...) or a text such as '10/second'"),
    (lambda: limiter(limit="ten"), "limit is 'ten', must be Limit(...) or a text such as '10/second'"),
    (lambda: limiter(limit=OK, limits=10), "limits is 10, must be a list"),
    (lambda: limiter(limits=[OK, 5]), "limits[1] is 5, must be Limit(...) or a text such as '10/second'"),
    (lambda: limiter(limit=OK, limits=[5]), "limits[0] is 5, must be Limit(...) or a text such as '10/second'"),
    (lambda: limiter(limit=Limit.per_second("10")), f"limit.limit is '10', must be {U32}"),  # type: ignore[arg-type]
    (lambda: limiter(limit=Limit.per_second(1.5)), f"limit.limit is 1.5, must be {U32}"),  # type: ignore[arg-type]
    (lambda: limiter(limit=Limit.per_second(True)), f"limit.limit is True, must be {U32}"),
    (lambda: limiter(limit=Limit.per_second(-1)), f"limit.limit is -1, must be {U32}"),
    (lambda: limiter(limit=Limit(1, "day", 367)), "limit.window is 367 day, must be 1 millisecond to 366 days in all"),
    (
        lambda: limiter(limit=Limit.per(1, timedelta(0))),
        "limit.window is 0 millisecond, must be 1 millisecond to 366 days in all",
    ),
    (lambda: limiter(limit=OK.by(SlidingWindow(0))), "limit.algorithm.sub_windows is 0, must be 1 to 100"),
    (lambda: limiter(limit=OK.by(TokenBucket(0))), "limit.algorithm.burst is 0, must be 1 to 316224000"),
    (
        lambda: limiter(limit=OK.by("gcra")),  # type: ignore[arg-type]
        "limit.algorithm is 'gcra', must be one of SlidingWindow(...), Gcra(...), TokenBucket(...), FixedWindow(...), "
        "SlidingWindowCounter(...), SlidingLog(...)",
    ),
    (
        lambda: limiter(limit=OK, on_limit="queue"),
        "on_limit is 'queue', must be one of Reject(...), Delay(...), Queue(...)",
    ),
    (
        lambda: limiter(limit=OK, on_limit=Queue(0, 0)),
        "on_limit.max_size is 0, must be 1 to 10000; on_limit.timeout_ms is 0",
    ),
    (lambda: limiter(limit=OK, on_limit=Queue(1, 10, 11)), "on_limit.grace_ms is 11, must be 1 to 10"),
    (lambda: limiter(limit=OK, on_limit=Delay("1s")), "on_limit.max_wait_ms is '1s', must be a whole number from 1"),  # type: ignore[arg-type]
    (lambda: limiter(limit=OK, lease=5), "lease is 5, must be Lease(...)"),
    (
        lambda: limiter(limit=OK, lease=Lease(10, 100), on_limit=Queue(10, 1)),
        "lease is given with queue, must be left out unless `on_limit` is reject",
    ),
    (
        lambda: limiter(limit=OK, when_away="allow"),
        "when_away is 'allow', must be one of 'error', 'open', 'closed', Share(...)",
    ),
    (lambda: limiter(limit=OK, when_away=Share(0)), "when_away.hosts is 0, must be 1 to 1000000"),
    (
        lambda: limiter(limit=OK, when_away=Share(1.5)),  # type: ignore[arg-type]
        "when_away.hosts is 1.5, must be a whole number from 1 to 1000000",
    ),
    (lambda: Tidegate().rate_limiter(5), "config is 5, must be a name or a mapping"),  # type: ignore[call-overload]
    (lambda: Tidegate().circuit_breaker(None), "config is None, must be a name or a mapping"),  # type: ignore[call-overload]
    (lambda: Tidegate().rate_limiter({"name": "a"}, limit=OK), "limit must be in the mapping"),  # type: ignore[call-overload]
    (lambda: Tidegate().rate_limiter({"limits": 5}), "name is missing, must be a text; limits is 5, must be a list"),
    (
        lambda: Tidegate().rate_limiter({"name": "a", "limits": [{"limit": 1, "window": "second", "window_count": 2}]}),
        "limits[0].window_count is 2, must be left out: the fields here are limit, window, windowCount, algorithm",
    ),
    (
        lambda: Tidegate().rate_limiter({"name": "a", "limits": ["1/s"], "onLimit": {"behavior": "wait"}}),
        "onLimit.behavior is 'wait', must be one of 'reject', 'delay', 'queue'",
    ),
    (breaker, "trip is missing, must be Trip(...)"),
    (lambda: breaker(trip=5), "trip is 5, must be Trip(...)"),
    (lambda: breaker(failures=5), "failures is 5, must be left out: the fields here are name, trip, open_ms, backoff"),
    (
        lambda: breaker(trip=Trip()),
        "trip is no rule, must be at least one of `failures`, `consecutive`, `failure_rate_percent` and `slow_rate`",
    ),
    (lambda: breaker(consecutive="5"), "consecutive is '5', must be a whole number from 1 to 1000000"),
    (lambda: breaker(consecutive=0), "consecutive is 0, must be 1 to 1000000"),
    (lambda: breaker(consecutive=1, trip=Trip(consecutive=1)), "consecutive is short for trip=Trip(consecutive=...)"),
    (
        lambda: breaker(trip=Trip(failure_rate_percent=150), open_ms=0),
        "trip.failure_rate_percent is 150, must be more than 0, at most 100; open_ms is 0, must be 1 to 2592000000",
    ),
    (lambda: breaker(trip=Trip(failures=FailureCount(0, 1))), "trip.failures.count is 0, must be 1 to 1000"),
    (lambda: breaker(trip=Trip(failures=3)), "trip.failures is 3, must be FailureCount(...)"),  # type: ignore[arg-type]
    (
        lambda: breaker(trip=Trip(slow_rate=SlowRate(50, 0))),
        "trip.slow_rate.slower_than_ms is 0, must be 1 to 86400000",
    ),
    (
        lambda: breaker(trip=Trip(failure_rate_percent=50, sample=SampleCalls(5))),
        "trip.minimum_calls is 10, must be 1 to 5",
    ),
    (
        lambda: breaker(trip=Trip(failure_rate_percent=50, sample=SampleWindow(1))),
        "trip.sample.window_ms is 1, must be 100 to 86400000",
    ),
    (
        lambda: breaker(trip=Trip(failure_rate_percent=50, sample=5)),  # type: ignore[arg-type]
        "trip.sample is 5, must be one of SampleWindow(...), SampleCalls(...)",
    ),
    (lambda: breaker(consecutive=5, open_ms=0.5), "open_ms is 0.5, must be a whole number from 1 to 2592000000"),
    (lambda: breaker(consecutive=5, open_ms="30s"), "open_ms is '30s', must be a whole number from 1 to 2592000000"),
    (
        lambda: breaker(consecutive=5, backoff=Backoff(0.5, 1)),
        "backoff.factor is 0.5, must be 1 to 100; backoff.cap_ms is 1",
    ),
    (lambda: breaker(consecutive=5, half_open=3), "half_open is 3, must be HalfOpen(...)"),
    (lambda: breaker(consecutive=5, half_open=HalfOpen(probes=0)), "half_open.probes is 0, must be 1 to 1000"),
    (
        lambda: breaker(consecutive=5, half_open=HalfOpen(rule=ProbeRate(0, 1))),
        "half_open.rule.percent is 0, must be more than 0, at most 100",
    ),
    (
        lambda: breaker(consecutive=5, half_open=HalfOpen(successes=2, rule=ProbeRatio(1))),
        "half_open.rule.of is 1, must be 2 to 1000000",
    ),
    (
        lambda: breaker(consecutive=5, half_open=HalfOpen(rule="ratio")),  # type: ignore[arg-type]
        "half_open.rule is 'ratio', must be one of 'first-failure', ProbeRatio(...), ProbeRate(...)",
    ),
    (lambda: breaker(consecutive=5, monitored=["ECONN*"]), "monitored[0] is 'ECONN*', must be ErrorPattern(...)"),
    (lambda: breaker(consecutive=5, monitored=5), "monitored is 5, must be a list"),
    (
        lambda: breaker(consecutive=5, ignored=[ErrorPattern("a", part="text")]),  # type: ignore[arg-type]
        "ignored[0].part is 'text', must be one of 'any', 'name', 'message', 'code', 'status'",
    ),
    (lambda: breaker(consecutive=5, others="failure"), "others is 'failure', must be one of 'ignored', 'success'"),
    (lambda: breaker(consecutive=5, count_refusals=1), "count_refusals is 1, must be True or False"),
    (
        lambda: breaker(consecutive=5, mode="open"),
        "mode is 'open', must be one of 'normal', 'forced-open', 'forced-closed', 'disabled', 'metrics-only'",
    ),
    (lambda: breaker(consecutive=5, timeout_ms=-1), "timeout_ms is -1, must be"),
    (lambda: Tidegate("localhost:6379"), f'url is "localhost:6379", must be {URL}'),
    (lambda: Tidegate("redis://me:secret@localhost/x"), f'url is "redis://***@localhost/x", must be {URL}'),
    (lambda: Redis("redis://localhost?db=3"), 'url is "redis://localhost?db=3", must be without ?db: the database is'),
    (lambda: Redis("redis://localhost", timeout_ms=0), "timeout_ms is 0, must be 1 to 60000"),
    (
        lambda: Tidegate(Client()),  # type: ignore[arg-type]
        'store is a tests.test_wrong_uses.Client, must be a URL such as "redis://127.0.0.1:6379", a Redis or a Memory',
    ),
    (lambda: aio.Tidegate(5), "store is a builtins.int, must be a URL such as"),  # type: ignore[arg-type]
    (lambda: Tidegate(clock=5), "clock is a builtins.int, must be a ManualClock"),  # type: ignore[arg-type]
    (lambda: Tidegate(max_known=0), "max_known is 0, must be a whole number from 1"),
    (lambda: Tidegate(store_watch=cast("Any", 5)), "store_watch is 5, must be a StoreWatch or None"),
    (lambda: Tidegate(store_watch=StoreWatch(cap_ms=-1)), "store_watch.cap_ms is -1, must be a whole number from 0"),
    (lambda: Tidegate(ADDRESS, store_watch=StoreWatch(0)), "store_watch.failures is 0, must be 1 to 1000000"),
    (lambda: Tidegate(component_file=cast("Any", 5)), "component_file is 5, must be a path"),
    (lambda: Tidegate(code_cache=cast("Any", True)), "code_cache is True, must be a path, or False"),
    (lambda: Tidegate(max_batch="5"), "max_batch is '5', must be a whole number from 1"),  # type: ignore[arg-type]
    (lambda: Tidegate(require_shared=True), "store is the memory store, must be one that processes share"),
    (lambda: Memory(capacity=0), "capacity is 0, must be a whole number from 1"),
    (lambda: opened().try_acquire(Any_), "key is None, must be a text"),
    (lambda: opened().try_acquire(42), "key is 42, must be a text"),  # type: ignore[arg-type]
    (
        lambda: opened().try_acquire("k", cost=5),
        "a cost of 5 can never fit in limits[0] of rate limiter 'a', which admits 1",
    ),
    (lambda: opened().try_acquire("k", cost=-1), "cost is -1, must be a whole number from 0 to 4294967295"),
]


@pytest.mark.parametrize(("use", "expected"), WRONG)
def test_one_error_says_what_is_wrong(use: Callable[[], object], expected: str) -> None:
    with pytest.raises((ValueError, TypeError)) as caught:
        use()
    message = str(caught.value)
    assert expected in message
    assert not FOREIGN.search(message), message


FOREIGN = re.compile(
    r"\b(serde|pyo3|u8|u32|u64|i64|usize|f64|str\b.*struct|enum|variant|unknown field|missing field|invalid type|"
    r"line \d+ column|Option|Vec|extract|PyErr|option<|list<|wit)\b|-ms\b|[a-z]Ms\b"
)
"""Words that are of another language than the caller's."""


def test_the_words_of_other_languages_are_found() -> None:
    for message in ("limits[0]: invalid type: integer `10`, expected struct Limit", "openMs is 0", "open-ms is 0"):
        assert FOREIGN.search(message)


def test_there_are_at_least_forty() -> None:
    assert len(WRONG) >= 40


@pytest.mark.parametrize(
    ("path", "settings"),
    [
        ("trip.failure_rate_percent", {"trip": Trip(failure_rate_percent=0.5)}),
        ("trip.slow_rate.percent", {"trip": Trip(slow_rate=SlowRate(0.5, slower_than_ms=9))}),
        ("half_open.rule.percent", {"trip": Trip(consecutive=1), "half_open": HalfOpen(rule=ProbeRate(0.5, 10))}),
    ],
)
def test_a_share_that_looks_like_a_fraction_is_doubted(path: str, settings: dict[str, Any]) -> None:
    expected = f'{path} of circuit breaker "a" is 0.5, less than one call in a hundred: 50 is half of them'
    for gate in (Tidegate(), aio.Tidegate()):
        with pytest.warns(UserWarning, match=re.escape(expected)) as told:
            gate.circuit_breaker("a", **settings)
        assert [warning.filename for warning in told] == [__file__]
    with pytest.warns(UserWarning, match="trip.failureRatePercent of"):
        Tidegate().circuit_breaker({"name": "a", "trip": {"failureRatePercent": 0.5}})


def test_a_limit_may_be_a_text() -> None:
    limited = Tidegate(clock=ManualClock()).rate_limiter("a", limit="2/second", limits=["3 per minute"])
    assert [limited.try_acquire("k").is_allowed for _ in range(3)] == [True, True, False]
    assert limited.config["limits"][1] == {"limit": 3, "window": "minute", "windowCount": 1, "algorithm": SLIDING}


SLIDING = {"name": "sliding-window", "subWindows": 64}


def test_production_wants_a_shared_store(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIDEGATE_ENV", "production")
    with pytest.raises(ValueError, match="TIDEGATE_ENV=production"):
        Tidegate()
    Tidegate(require_shared=False)
    monkeypatch.setenv("TIDEGATE_ENV", "test")
    Tidegate()


def test_the_environment_names_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIDEGATE_REDIS_URL", "nonsense")
    for gate in (Tidegate, aio.Tidegate):
        with pytest.raises(ValueError, match='url is "nonsense"'):
            gate.from_env()
    monkeypatch.delenv("TIDEGATE_REDIS_URL")
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1")
    assert Tidegate.from_env(max_known=5).store_state() == "unknown"
