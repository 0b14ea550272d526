"""Decisions of Tidegate in Python, beside its peers, in one run.

``python bench/decisions.py [redis://...]`` prints a line for each piece of work: its name, nanoseconds for one, and how
many in a second. Each number is the median of several rounds. The work on Redis is left out without a URL.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
import uuid
from collections.abc import Awaitable, Callable

import limits
import limits.aio
import pybreaker
import redis
import redis.asyncio

from tidegate import Gcra, Limit, Redis, Tidegate, aio

ROUNDS = 7
ROUND_S = 0.3
TASKS = 64
# Above what a run can ask for, so that each decision is an admission.
HUGE = Limit.per_second(1_000_000).by(Gcra(burst=2_000_000_000))
HUGE_ITEM = limits.RateLimitItemPerMinute(2_000_000_000)


def report(name: str, rounds: list[float]) -> None:
    ns = statistics.median(rounds) * 1e9
    print(f"{name:<44}{ns:>12.0f} ns{1e9 / ns:>14.0f} /s", flush=True)


def repeat(name: str, work: Callable[[], object]) -> None:
    """Times calls one after the other."""
    calls, took = 1, 0.0
    while took < ROUND_S / 10:
        calls *= 2
        took = timed(work, calls)
    calls = max(1, int(calls * ROUND_S / took))
    report(name, [timed(work, calls) / calls for _ in range(ROUNDS)])


def timed(work: Callable[[], object], calls: int) -> float:
    started = time.perf_counter()
    for _ in range(calls):
        work()
    return time.perf_counter() - started


async def repeat_awaited(name: str, work: Callable[[], Awaitable[object]], tasks: int) -> None:
    """Times calls of so many tasks at once."""
    rounds = [await timed_awaited(work, tasks) for _ in range(ROUNDS)]
    report(name, rounds)


async def timed_awaited(work: Callable[[], Awaitable[object]], tasks: int) -> float:
    calls = 0
    started = time.perf_counter()
    end = started + ROUND_S

    async def caller() -> None:
        nonlocal calls
        while time.perf_counter() < end:
            await work()
            calls += 1

    await asyncio.gather(*(caller() for _ in range(tasks)))
    return (time.perf_counter() - started) / calls


def nothing() -> None:
    pass


async def anothing() -> None:
    pass


def in_memory() -> None:
    gate = Tidegate()
    limiter = gate.rate_limiter("gcra", limit=HUGE)
    repeat("tidegate gcra, memory", lambda: limiter.try_acquire("me"))
    window = gate.rate_limiter("window", limit=Limit.per_second(2_000_000_000))
    repeat("tidegate sliding window, memory", lambda: window.try_acquire("me"))
    peer = limits.strategies.FixedWindowRateLimiter(limits.storage.MemoryStorage())
    repeat("limits fixed window, memory", lambda: peer.hit(HUGE_ITEM, "me"))
    breaker = gate.circuit_breaker("breaker", consecutive=5)
    repeat("tidegate breaker, closed, memory", lambda: breaker.call(nothing))
    peer_breaker = pybreaker.CircuitBreaker(fail_max=5)
    repeat("pybreaker, closed, memory", lambda: peer_breaker.call(nothing))


async def in_memory_awaited() -> None:
    gate = aio.Tidegate()
    limiter = gate.rate_limiter("gcra", limit=HUGE)
    await repeat_awaited("tidegate.aio gcra, memory", lambda: limiter.try_acquire("me"), 1)
    storage = limits.aio.storage.MemoryStorage()
    peer = limits.aio.strategies.FixedWindowRateLimiter(storage)
    await repeat_awaited("limits.aio fixed window, memory", lambda: peer.hit(HUGE_ITEM, "me"), 1)
    breaker = gate.circuit_breaker("breaker", consecutive=5)
    await repeat_awaited("tidegate.aio breaker, closed, memory", lambda: breaker.call(anothing), 1)


def on_redis(url: str) -> None:
    client = redis.Redis.from_url(url)
    repeat("redis-py GET", lambda: client.get("absent"))
    gate = Tidegate(Redis(url, prefix=str(uuid.uuid4()), limit_ms=1_000))
    limiter = gate.rate_limiter("gcra", limit=HUGE)
    repeat("tidegate gcra, redis", lambda: limiter.try_acquire("me"))
    peer = limits.strategies.FixedWindowRateLimiter(limits.storage.RedisStorage(url))
    repeat("limits fixed window, redis", lambda: peer.hit(HUGE_ITEM, "me"))
    breaker = gate.circuit_breaker("breaker", consecutive=5)
    repeat("tidegate breaker, closed, redis", lambda: breaker.call(nothing))
    state = pybreaker.CircuitRedisStorage(pybreaker.STATE_CLOSED, client)
    peer_breaker = pybreaker.CircuitBreaker(fail_max=5, state_storage=state)
    repeat("pybreaker, closed, redis", lambda: peer_breaker.call(nothing))


async def on_redis_awaited(url: str) -> None:
    client = redis.asyncio.Redis.from_url(url, max_connections=TASKS)
    await repeat_awaited(f"redis.asyncio GET, {TASKS} tasks", lambda: client.get("absent"), TASKS)
    await client.aclose()
    gate = aio.Tidegate(Redis(url, prefix=str(uuid.uuid4()), limit_ms=1_000))
    limiter = gate.rate_limiter("gcra", limit=HUGE)
    await repeat_awaited("tidegate.aio gcra, redis, 1 task", lambda: limiter.try_acquire("me"), 1)
    await repeat_awaited(f"tidegate.aio gcra, redis, {TASKS} tasks, one key", lambda: limiter.try_acquire("me"), TASKS)
    storage = limits.aio.storage.RedisStorage(f"async+{url}", implementation="redispy")
    peer = limits.aio.strategies.FixedWindowRateLimiter(storage)
    await repeat_awaited(
        f"limits.aio fixed window, redis, {TASKS} tasks, one key", lambda: peer.hit(HUGE_ITEM, "me"), TASKS
    )


def main(arguments: list[str]) -> None:
    in_memory()
    asyncio.run(in_memory_awaited())
    for url in arguments:
        on_redis(url)
        asyncio.run(on_redis_awaited(url))


if __name__ == "__main__":
    main(sys.argv[1:])
