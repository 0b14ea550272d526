"""Both faces while a real Redis is away, and when it is back."""

from __future__ import annotations

import asyncio
import json
import queue
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator

import pytest

from tidegate import (
    ConfigError,
    Decision,
    Failure,
    Limit,
    Permit,
    RateLimiter,
    Redis,
    Share,
    StoreChange,
    StoreError,
    StoreWatch,
    Tidegate,
    aio,
)

from .conftest import RedisServer

# Short, because the watch waits for it.
LIMIT_MS = 200
WATCH = StoreWatch(failures=3, open_ms=30, cap_ms=60)
# More than any test waits for what must come: only a broken watch meets it.
LONG_S = 60
# What a server was sent before the watch opened, it does when it is no longer held up. Nobody hears
# of that any more.
UNHEARD = 3


@pytest.fixture
def server() -> Iterator[RedisServer]:
    server = RedisServer()
    yield server
    server.stop()


def store(server: RedisServer) -> Redis:
    return Redis(server.url, prefix=f"test-{uuid.uuid4()}", timeout_ms=LIMIT_MS)


class Told:
    """What a listener was told."""

    def __init__(self) -> None:
        self.changes: queue.Queue[StoreChange] = queue.Queue()

    def until(self, state: str) -> StoreChange:
        """The next change to this state."""
        while (change := self.changes.get(timeout=LONG_S)).after != state:
            pass
        return change


def until_away(gate: Tidegate, limiter: RateLimiter) -> list[Decision]:
    """Calls until the watch is open. Calls that end while one commit hangs are one failure of the store."""
    decisions: list[Decision] = []
    while gate.store_state() in ("unknown", "available"):
        decisions.append(limiter.try_acquire("me"))
    return decisions


def test_what_went_by_shares_is_charged_when_the_store_is_back(server: RedisServer) -> None:
    told = Told()
    with Tidegate(store(server), store_watch=WATCH, on_store_change=told.changes.put) as gate:
        limiter = gate.rate_limiter("api", limit=Limit.per_hour(10), when_away=Share(hosts=4))
        assert limiter.config["whenAway"] == {"share": 4}
        assert not limiter.try_acquire("me").degraded
        with server.held_up():
            decisions = until_away(gate, limiter)
            decisions += [limiter.try_acquire("me") for _ in range(2)]
            assert all(decision.degraded for decision in decisions)
            assert [decision.is_allowed for decision in decisions] == [True, True] + [False] * (len(decisions) - 2)
            assert decisions[-1].reason == "limit"
            change = told.until("away")
            assert (change.shard, change.before) == (0, "available")
            assert "200 ms" in change.cause
            assert gate.store_state() != "available"
            assert gate.stats().degraded == len(decisions)
        assert told.until("available").before == "probing"
        assert gate.store_state() == "available"
        gate.flush()
        assert gate.stats().posted == 2
        assert 3 <= limiter.peek("me").count <= 3 + UNHEARD


async def test_tasks_are_let_go_and_charged_later(server: RedisServer) -> None:
    back = asyncio.Event()
    loop = asyncio.get_running_loop()

    def listen(change: StoreChange) -> None:
        if change.after == "available":
            loop.call_soon_threadsafe(back.set)

    async with aio.Tidegate(store(server), store_watch=WATCH, on_store_change=listen) as gate:
        limiter = gate.rate_limiter("api", limit=Limit.per_hour(100), when_away="open")
        await limiter.peek("me")
        with server.held_up():
            decisions = await asyncio.gather(*(limiter.try_acquire("me") for _ in range(40)))
            while gate.store_state() == "available":
                decisions.append(await limiter.try_acquire("me"))
            assert all(decision and decision.degraded for decision in decisions)
            kept = [await limiter.try_acquire("me") for _ in range(3)]
            assert (await limiter.refund("me", kept[0])).degraded
        await asyncio.wait_for(back.wait(), LONG_S)
        await gate.flush()
        owed = len(decisions) + len(kept) - 1
        assert gate.stats().posted == owed
        assert owed <= (await limiter.peek("me")).count <= owed + UNHEARD
        assert gate.store_state() == "available"


def test_a_denial_says_when_the_store_is_tried_again(server: RedisServer) -> None:
    watch = StoreWatch(failures=1, open_ms=86_400_000, cap_ms=86_400_000)
    gate = Tidegate(store(server), store_watch=watch)
    limiter = gate.rate_limiter("api", limit=Limit.per_hour(1), when_away="closed")
    with server.held_up():
        until_away(gate, limiter)
    denied = limiter.try_acquire("me")
    assert (denied.reason, denied.degraded, gate.stats().watch_refused > 0) == ("store-away", True, True)
    assert 86_000_000 < denied.retry_after_ms <= 86_400_000


def test_a_permit_of_an_outage_counts_for_this_host_alone(server: RedisServer) -> None:
    gate = Tidegate(store(server), store_watch=WATCH)
    breaker = gate.circuit_breaker("payments", consecutive=1, when_away=Share(4))
    with server.held_up():
        report = breaker.admit()
        assert report.permit is not None
        assert (report.degraded, report.permit.degraded) == (True, True)
        carried = Permit.from_dict(json.loads(json.dumps(report.permit.to_dict())))
        assert carried == report.permit
        assert breaker.failed(carried, Failure("Oops", ""), elapsed_ms=1).effect == "counted-failure"
        assert breaker.admit().effect == "refused-open"


def test_a_permit_that_an_older_version_wrote_is_of_the_store() -> None:
    permit = Permit.from_dict({"generation": 1, "admitted_at_us": 2, "probe": 3})
    assert not permit.degraded


def test_without_a_guard_the_store_is_asked_every_time(server: RedisServer) -> None:
    gate = Tidegate(store(server), store_watch=None)
    limiter = gate.rate_limiter("api", limit=Limit.per_hour(1))
    limiter.try_acquire("me")
    with server.held_up():
        for _ in range(4):
            with pytest.raises(StoreError, match="200 ms"):
                limiter.try_acquire("me")
    assert gate.stats().watch_refused == 0


def test_wrong_shares_and_guards_are_named() -> None:
    with pytest.raises(ConfigError, match=r"when_away\.hosts is 0, must be 1 to 1000000"):
        Tidegate().rate_limiter("api", limit=Limit.per_hour(1), when_away=Share(0))
    with pytest.raises(ConfigError, match=r"store_watch\.failures is 0, must be"):
        Tidegate(Redis("redis://localhost:1"), store_watch=StoreWatch(failures=0))


def test_a_listener_that_fails_is_told_of_the_next_change(server: RedisServer) -> None:
    told = Told()

    def listen(change: StoreChange) -> None:
        told.changes.put(change)
        raise ValueError(change.after)

    gate = Tidegate(store(server), store_watch=WATCH, on_store_change=listen)
    limiter = gate.rate_limiter("api", limit=Limit.per_hour(9), when_away="closed")
    limiter.try_acquire("me")
    with server.held_up():
        until_away(gate, limiter)
        told.until("away")
    told.until("available")


def test_the_threads_of_a_listener_and_of_the_log_end_with_their_gate(server: RedisServer) -> None:
    before = set(threading.enumerate())
    gate = Tidegate(store(server), on_store_change=print)
    threads = set(threading.enumerate()) - before
    assert {thread.name for thread in threads} == {"tidegate-store", "tidegate-log"}
    del gate
    for thread in threads:
        thread.join(LONG_S)
        assert not thread.is_alive()


ENDS = """
from tidegate import Limit, Redis, StoreWatch, Tidegate
gate = Tidegate(Redis("redis://127.0.0.1:1", timeout_ms=50), store_watch=StoreWatch(1, 1, 1), on_store_change=print)
gate.rate_limiter("api", limit=Limit.per_hour(1), when_away="open").try_acquire("me")
"""


def test_a_store_that_is_away_keeps_no_process_alive() -> None:
    done = subprocess.run([sys.executable, "-c", ENDS], capture_output=True, text=True, timeout=LONG_S, check=False)
    assert (done.returncode, done.stderr) == (0, "")
