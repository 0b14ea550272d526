"""What a task held that is cancelled: when it has ended, it is free. And what counts of it."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Awaitable, Callable, Generator
from typing import Any

import pytest

from tidegate import CircuitReport, Limit, ManualClock, Queue, Redis, SampleCalls, SlowRate, Trip, aio

from .conftest import RedisServer
from .node_configs import circuit
from .test_guarded_calls_asyncio import fail, hang
from .test_redis import LIMIT_MS, store


@pytest.mark.parametrize("is_shared", [False, True], ids=["memory", "redis"])
async def test_when_a_cancelled_task_has_ended_its_place_is_free(is_shared: bool, redis_url: str) -> None:
    gate = aio.Tidegate(store(redis_url) if is_shared else None)
    limiter = gate.rate_limiter("one", limit=Limit.per_day(1), on_limit=Queue(1, 3_600_000))
    await limiter.acquire("me")
    for _ in range(40):
        task = asyncio.create_task(limiter.acquire("me"))
        while not (await limiter.peek("me")).waiting:
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert (await limiter.peek("me")).waiting == 0
    for _ in range(40):
        task = asyncio.create_task(limiter.acquire("me"))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert (await limiter.peek("me")).waiting == 0


@pytest.mark.parametrize("is_shared", [False, True], ids=["memory", "redis"])
async def test_when_a_cancelled_call_has_ended_its_probe_is_free(is_shared: bool, redis_url: str) -> None:
    gate = aio.Tidegate(store(redis_url) if is_shared else None)
    breaker = gate.circuit_breaker("probes", consecutive=1, open_ms=1)
    node = gate.circuit_breaker_node(circuit(circuitId="node", failureThreshold=1, halfOpenTimeoutMs=1))

    async def of_node() -> CircuitReport:
        return (await node.status()).report

    ways: list[tuple[Any, Callable[[], Awaitable[CircuitReport]]]] = [
        (breaker.call, breaker.status),
        (node.call, of_node),
    ]
    for call, status in ways:
        with pytest.raises(ValueError, match="opens"):
            await call(lambda: fail(ValueError("opens it")))
        while (await status()).state != "half-open":
            await asyncio.sleep(0)
        for _ in range(40):
            started = asyncio.Event()

            async def work(started: asyncio.Event = started) -> None:
                started.set()
                await hang()

            task: asyncio.Task[Any] = asyncio.create_task(call(work))
            await started.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert (await status()).probes == 0


async def test_a_cancelled_task_ends_though_the_store_does_not_answer(redis_server: RedisServer) -> None:
    gate = aio.Tidegate(Redis(redis_server.url, prefix=f"test-{uuid.uuid4()}", timeout_ms=LIMIT_MS))
    limiter = gate.rate_limiter("one", limit=Limit.per_day(1), on_limit=Queue(1, 3_600_000))
    await limiter.acquire("me")
    task = asyncio.create_task(limiter.acquire("me"))
    while not (await limiter.peek("me")).waiting:
        await asyncio.sleep(0)
    with redis_server.held_up():
        task.cancel()
        done, _ = await asyncio.wait((task,), timeout=60)
        assert done == {task}
        assert task.cancelled()


async def test_a_cancelled_call_that_was_slow_counts_as_slow() -> None:
    clock = ManualClock()
    rules = Trip(slow_rate=SlowRate(50, slower_than_ms=1_000), sample=SampleCalls(10), minimum_calls=2)
    breaker = aio.Tidegate(clock=clock).circuit_breaker("slow", trip=rules)
    for _ in range(2):
        task = asyncio.create_task(breaker.call(hang))
        await asyncio.sleep(0)
        clock.advance_ms(1_000)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert (await breaker.status()).state == "open"


async def test_a_hanging_server_opens_a_circuit_with_a_time_limit_round_the_call() -> None:
    rules = Trip(slow_rate=SlowRate(50, slower_than_ms=5), sample=SampleCalls(10), minimum_calls=2)
    breaker = aio.Tidegate().circuit_breaker("slow", trip=rules)
    for _ in range(2):
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(breaker.call(hang), 0.02)
    assert (await breaker.status()).state == "open"


def test_a_coroutine_that_is_closed_gives_its_permit_back() -> None:
    breaker = aio.Tidegate().circuit_breaker("payments", consecutive=1, open_ms=1)

    async def open_it() -> None:
        with pytest.raises(ValueError, match="opens"):
            await breaker.call(fail, ValueError("opens it"))

    asyncio.run(open_it())
    while asyncio.run(breaker.status()).state != "half-open":
        time.sleep(0)
    call = breaker.call(Suspended)
    call.send(None)
    call.close()
    while asyncio.run(breaker.status()).probes:
        time.sleep(0)


class Suspended:
    """Waits for ever, in no loop."""

    def __await__(self) -> Generator[None, None, None]:
        yield
