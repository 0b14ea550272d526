"""Both faces on a real Redis."""

from __future__ import annotations

import asyncio
import threading
import uuid

import pytest

from tidegate import ConfigError, Failure, Gcra, Limit, Queue, Redis, StoreError, Tidegate, aio

from .conftest import RedisServer

# Long enough for a busy machine; no test waits for it to pass.
LIMIT_MS = 10_000


def store(url: str) -> Redis:
    return Redis(url, prefix=f"test-{uuid.uuid4()}", timeout_ms=LIMIT_MS)


def test_threads_share_a_limit(redis_url: str) -> None:
    with Tidegate(store(redis_url)) as gate:
        limiter = gate.rate_limiter("api", limit=Limit.per_day(50))
        allowed: list[bool] = []

        def ask() -> None:
            allowed.extend(limiter.try_acquire("me").is_allowed for _ in range(25))

        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert (len(allowed), sum(allowed)) == (100, 50)
        assert gate.stats().commits >= 1


def test_a_host_whose_limiter_has_another_window_than_others_of_its_name_says_so(
    redis_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    prefix = f"test-{uuid.uuid4()}"
    for limit in (Limit.per_minute(5), Limit.per_minute(50), Limit.per_hour(5)):
        with Tidegate(Redis(redis_url, prefix=prefix, timeout_ms=LIMIT_MS)) as gate:
            limiter = gate.rate_limiter("api", limit=limit)
            limiter.try_acquire("me")
            # The note follows the first answer, and comes before the end of the gate.
            limiter.peek("me")
            gate.flush()
    deadline = threading.Event()
    for _ in range(1_000):
        if caplog.records:
            break
        deadline.wait(0.01)
    there, here = "sliding-window of 60000 ms", "sliding-window of 3600000 ms"
    said = f'the limiter "api" counts by {here}, and was counted by {there}'
    assert [said in record.getMessage() for record in caplog.records] == [True]
    assert caplog.records[0].name == "tidegate"


async def test_tasks_share_a_limit(redis_url: str) -> None:
    async with aio.Tidegate(store(redis_url)) as gate:
        limiter = gate.rate_limiter("api", limit=Limit.per_day(50).by(Gcra()))
        decisions = await asyncio.gather(*(limiter.try_acquire("me") for _ in range(200)))
        assert sum(decision.is_allowed for decision in decisions) == 50


async def test_both_faces_share_a_circuit(redis_url: str) -> None:
    shared = store(redis_url)
    here = Tidegate(shared).circuit_breaker("payments", consecutive=1)
    there = aio.Tidegate(shared).circuit_breaker("payments", consecutive=1)
    with pytest.raises(ZeroDivisionError):
        here.call(lambda: 1 / 0)
    assert (await there.admit()).effect == "refused-open"


def test_a_success_ends_a_row_of_failures_of_another_process(redis_url: str) -> None:
    shared = store(redis_url)
    with Tidegate(shared) as one, Tidegate(shared) as other:
        here = one.circuit_breaker("payments", consecutive=5)
        there = other.circuit_breaker("payments", consecutive=5)

        def fail() -> str:
            permit = there.admit().permit
            assert permit is not None
            return there.failed(permit, Failure("Down"), elapsed_ms=1).state

        admitted = here.admit().permit
        assert admitted is not None
        assert [fail() for _ in range(4)] == ["closed"] * 4
        here.succeeded(admitted, elapsed_ms=1)
        one.flush()
        assert [fail() for _ in range(5)] == ["closed"] * 4 + ["open"]


async def until(limiter: aio.RateLimiter, waiting: int) -> None:
    """Returns when this many are in the queue."""
    while (await limiter.peek("me")).waiting != waiting:
        pass


async def test_a_cancelled_task_leaves_the_queue(redis_url: str) -> None:
    limiter = aio.Tidegate(store(redis_url)).rate_limiter("api", limit=Limit.per_hour(1), on_limit=Queue(9, 3_600_000))
    await limiter.acquire("me")
    tasks = [asyncio.create_task(limiter.acquire("me")) for _ in range(5)]
    await until(limiter, 5)
    for task in tasks:
        task.cancel()
    assert all(isinstance(end, asyncio.CancelledError) for end in await asyncio.gather(*tasks, return_exceptions=True))
    await until(limiter, 0)


async def test_what_cancelled_tasks_were_given_comes_back(redis_url: str) -> None:
    limiter = aio.Tidegate(store(redis_url)).rate_limiter("api", limit=Limit.per_day(100))
    await limiter.peek("me")
    for turns in range(10):
        tasks = [asyncio.create_task(limiter.try_acquire("me")) for _ in range(10)]
        for _ in range(turns):
            await asyncio.sleep(0)
        for task in tasks:
            task.cancel()
        ends = await asyncio.gather(*tasks, return_exceptions=True)
        heard = sum(not isinstance(end, BaseException) for end in ends)
        while (await limiter.peek("me")).count != heard:
            pass
        await limiter.reset("me")


async def test_steps_and_refunds(redis_url: str) -> None:
    limiter = aio.Tidegate(store(redis_url)).rate_limiter("api", limit=Limit.per_hour(1), on_limit=Queue(9, 3_600_000))
    first = await limiter.decide("me")
    second = await limiter.decide("me")
    assert (first.verdict, second.verdict) == ("allowed", "wait")
    assert second.ticket is not None
    assert await limiter.cancel("me", second.ticket)
    assert (await limiter.refund("me", first)).remaining == 1


async def test_successes_are_told_in_the_background_and_flushed(redis_url: str) -> None:
    gate = aio.Tidegate(store(redis_url), flush_delay_ms=3_600_000)
    breaker = gate.circuit_breaker({"name": "p", "trip": {"failureRatePercent": 50, "sample": {"calls": 10}}})
    await breaker.status()
    assert await breaker.call(asyncio.sleep, 0, "done") == "done"
    await gate.flush()
    assert gate.stats().deferred == 1
    assert (await breaker.status()).calls == 1


def test_what_is_said_while_the_store_is_away() -> None:
    server = RedisServer()
    try:
        gate = Tidegate(store(server.url))
        careful = gate.rate_limiter("careful", limit=Limit.per_second(1))
        lenient = gate.rate_limiter("lenient", limit=Limit.per_second(1), when_away="open")
        strict = gate.rate_limiter("strict", limit=Limit.per_second(1), when_away="closed")
        assert careful.try_acquire("me")
    finally:
        server.stop()
    with pytest.raises(StoreError) as caught:
        careful.try_acquire("me")
    assert isinstance(caught.value, ConnectionError)
    assert lenient.try_acquire("me").degraded
    assert strict.try_acquire("me").reason == "store-away"


def test_wrong_settings_of_a_store_are_named() -> None:
    with pytest.raises(ConfigError, match="url"):
        Redis("http://localhost")
    with pytest.raises(ConfigError, match="timeout_ms is 0, must be 1 to 60000"):
        Redis("redis://localhost", timeout_ms=0)
    assert "secret" not in repr(Redis("redis://me:secret@localhost"))
