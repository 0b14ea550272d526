"""What is no outage: short pauses, bursts of keys, a process that is busy. On a real Redis, by both faces."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
import uuid
from collections.abc import Iterator

import pytest

from tidegate import Decision, Limit, OverloadedError, Redis, StoreError, StoreWatch, Tidegate, aio

from .conftest import RedisServer
from .node_configs import CIRCUIT

PLENTY = Limit.per_hour(1_000_000)
# More than any test waits for what must come.
LONG_MS = 60_000


@pytest.fixture
def server() -> Iterator[RedisServer]:
    server = RedisServer()
    yield server
    server.stop()


def store(server: RedisServer, timeout_ms: int = 250) -> Redis:
    return Redis(server.url, prefix=f"test-{uuid.uuid4()}", timeout_ms=timeout_ms)


def order(server: RedisServer, words: str) -> None:
    """Gives an order, and returns when the server has answered and, after a pause, goes on."""
    with socket.create_connection(("127.0.0.1", server.port)) as client:
        client.sendall(f"{words}\r\nPING\r\n".encode())
        answers = b""
        while answers.count(b"\r\n") < 2:
            answers += client.recv(100)
    assert answers == b"+OK\r\n+PONG\r\n"


def refused(answers: list[Decision | Exception]) -> list[Decision | Exception]:
    """Those that are no admission."""
    return [answer for answer in answers if not (isinstance(answer, Decision) and answer.is_allowed)]


async def test_a_pause_shorter_than_the_time_limit_fails_no_task(server: RedisServer) -> None:
    async with aio.Tidegate(store(server)) as gate:
        await gate.ready(timeout_ms=LONG_MS)
        limiter = gate.rate_limiter("api", limit=PLENTY)
        over = asyncio.Event()

        async def user(number: int) -> None:
            while not over.is_set():
                await limiter.try_acquire(f"user {number % 10}")

        users = [asyncio.create_task(user(number)) for number in range(20)]
        for _ in range(5):
            await asyncio.to_thread(order, server, "CLIENT PAUSE 60 ALL")
        over.set()
        await asyncio.gather(*users)
        assert gate.store_state() == "available"


def test_a_pause_shorter_than_the_time_limit_fails_no_thread(server: RedisServer) -> None:
    with Tidegate(store(server)) as gate:
        gate.ready(timeout_ms=LONG_MS)
        limiter = gate.rate_limiter("api", limit=PLENTY)
        over = threading.Event()
        failed: list[StoreError] = []

        def user(number: int) -> None:
            try:
                while not over.is_set():
                    limiter.try_acquire(f"user {number}")
            except StoreError as error:
                failed.append(error)

        users = [threading.Thread(target=user, args=(number,)) for number in range(8)]
        for each in users:
            each.start()
        for _ in range(5):
            order(server, "CLIENT PAUSE 60 ALL")
        over.set()
        for each in users:
            each.join()
        assert failed == []


async def test_a_pause_that_a_hundred_tasks_run_into_is_one_failure(server: RedisServer) -> None:
    gate = aio.Tidegate(store(server))
    await gate.ready(timeout_ms=LONG_MS)
    limiter = gate.rate_limiter("api", limit=PLENTY)
    for _ in range(2):
        with server.held_up():
            calls = [limiter.try_acquire(f"user {number}") for number in range(100)]
            answers = await asyncio.gather(*calls, return_exceptions=True)
            assert all(isinstance(answer, StoreError) for answer in answers)
            assert gate.store_state() == "available"
        await limiter.try_acquire("me")


async def test_a_burst_of_a_hundred_thousand_keys_goes_through(server: RedisServer) -> None:
    gate = aio.Tidegate(store(server))
    limiter = gate.rate_limiter("api", limit=PLENTY)
    await asyncio.gather(*(limiter.try_acquire(f"key {number}") for number in range(100_000)))
    assert (gate.store_state(), gate.stats().watch_refused) == ("available", 0)


def test_one_call_with_a_hundred_thousand_keys_goes_through(server: RedisServer) -> None:
    limiter = Tidegate(store(server)).rate_limiter("api", limit=PLENTY)
    decisions = limiter.try_acquire_many([f"key {number}" for number in range(100_000)])
    assert refused(decisions) == []
    assert len(decisions) == 100_000


async def test_one_awaited_call_with_a_hundred_thousand_keys_goes_through(server: RedisServer) -> None:
    limiter = aio.Tidegate(store(server)).rate_limiter("api", limit=PLENTY)
    decisions = await limiter.try_acquire_many([f"key {number}" for number in range(100_000)])
    assert refused(decisions) == []


@pytest.mark.parametrize("busy_ms", [60, 249, 600])
async def test_an_answer_that_came_while_the_loop_was_busy_counts(server: RedisServer, busy_ms: int) -> None:
    gate = aio.Tidegate(store(server))
    await gate.ready(timeout_ms=LONG_MS)
    limiter = gate.rate_limiter("api", limit=PLENTY)
    calls = [asyncio.create_task(limiter.try_acquire(f"key {number}")) for number in range(20)]
    await asyncio.sleep(0)
    until = time.perf_counter() + busy_ms / 1_000
    while time.perf_counter() < until:
        pass
    await asyncio.gather(*calls)


def test_a_thread_that_waits_beside_one_that_is_busy_is_answered(server: RedisServer) -> None:
    gate = Tidegate(store(server))
    gate.ready(timeout_ms=LONG_MS)
    limiter = gate.rate_limiter("api", limit=PLENTY)
    over = threading.Event()

    def busy() -> None:
        while not over.is_set():
            sum(range(2_000_000))

    other = threading.Thread(target=busy)
    other.start()
    for number in range(100):
        limiter.try_acquire(f"key {number}")
    over.set()
    other.join()


def test_before_the_first_answer_nothing_is_known_and_a_gate_can_be_waited_for(server: RedisServer) -> None:
    gate = Tidegate(store(server, timeout_ms=LONG_MS))
    with server.held_up():
        assert gate.store_state() == "unknown"
        with pytest.raises(StoreError):
            gate.ready(timeout_ms=50)
        assert gate.store_state() == "unknown"
    gate.ready(timeout_ms=LONG_MS)
    assert gate.store_state() == "available"
    Tidegate().ready()


async def test_tasks_wait_for_a_gate_likewise(server: RedisServer) -> None:
    gate = aio.Tidegate(store(server, timeout_ms=LONG_MS))
    with server.held_up():
        assert gate.store_state() == "unknown"
        with pytest.raises(StoreError):
            await gate.ready(timeout_ms=50)
    await gate.ready(timeout_ms=LONG_MS)
    assert gate.store_state() == "available"
    await aio.Tidegate().ready()


async def test_a_line_that_is_full_is_an_error_of_its_own(server: RedisServer) -> None:
    gate = aio.Tidegate(store(server, timeout_ms=LONG_MS), max_waiting=2)
    await gate.ready(timeout_ms=LONG_MS)
    limiter = gate.rate_limiter("api", limit=PLENTY, when_away="open")
    with server.held_up():
        waiting = [asyncio.create_task(limiter.try_acquire("me")) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(OverloadedError, match="2 calls wait for the store in this process, and no more than 2 may"):
            await limiter.try_acquire("me")
    assert all(not decision.degraded for decision in await asyncio.gather(*waiting))
    assert gate.store_state() == "available"


WATCH = StoreWatch(failures=1, open_ms=86_400_000, cap_ms=86_400_000)


def test_a_circuit_goes_on_by_its_own_state_unless_told_otherwise(server: RedisServer) -> None:
    gate = Tidegate(store(server), store_watch=WATCH)
    breaker = gate.circuit_breaker("payments", consecutive=1)
    assert breaker.config["whenAway"] == "share"
    with server.held_up():
        with pytest.raises(ValueError, match="its own"), breaker.permit():
            raise ValueError("its own")
        report = breaker.admit()
        assert (report.effect, report.degraded) == ("refused-open", True)


async def test_a_circuit_node_goes_on_by_its_own_state(server: RedisServer) -> None:
    gate = aio.Tidegate(store(server), store_watch=WATCH)
    node = gate.circuit_breaker_node({**CIRCUIT, "failureThreshold": 1, "monitoredErrors": "all"})
    with server.held_up():
        passage = await node.admit()
        assert (passage.result.allowed, passage.report.degraded) == (True, True)
        assert passage.token is not None
        assert passage.token.startswith("away:")
        await node.failed(ValueError("it broke"), passage.token)
        refused = await node.admit()
        assert (refused.result.allowed, refused.report.degraded) == (False, True)
