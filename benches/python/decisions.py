"""One decision in Python, beside the floors it stands on and the libraries people would take instead, in one run."""

import asyncio

import limits
import limits.aio
import pybreaker
import redis
import redis.asyncio
import tidegate
import tidegate.aio

from measure import Group, Table
from redis_server import redis_server

# More than can be asked for in a run: every decision is an admission.
PLENTY = 1_000_000
BURST = 4_000_000_000
# Keys in use at once, as a busy worker has.
KEYS = [f"user-{user}" for user in range(1_000)]
MANY_KEYS = [f"user-{user}" for user in range(10_000)]
CALLERS = 64
# A lease that a busy host takes.
LEASE = {"lease": {"maxPermits": 1_000, "lifeMs": 1_000}}
# Under overload: so few of the calls are let go that nearly all are denied.
FEW = 100


def gcra(name: str) -> dict:
    limit = {"limit": PLENTY, "window": "second", "algorithm": {"name": "gcra", "burst": BURST}}
    return {"name": name, "limits": [limit]}


def on_memory(table: Table) -> None:
    limiter = tidegate.Tidegate().rate_limiter(gcra("memory"))
    item = limits.RateLimitItemPerSecond(10**12)
    fixed = limits.strategies.FixedWindowRateLimiter(limits.storage.MemoryStorage())
    moving = limits.strategies.SlidingWindowCounterRateLimiter(limits.storage.MemoryStorage())

    group = Group("one decision on memory", ["limits, fixed window", "limits, sliding window counter"])
    group.sync("limits, fixed window", lambda turn: fixed.hit(item, KEYS[turn % 1_000]))
    group.sync("limits, sliding window counter", lambda turn: moving.hit(item, KEYS[turn % 1_000]))
    group.sync("tidegate, gcra", lambda turn: limiter.try_acquire(KEYS[turn % 1_000]))
    table.add(group)


def breakers(table: Table, url: str) -> None:
    def work() -> int:
        return 1

    breaker = tidegate.Tidegate().circuit_breaker({"name": "closed", "trip": {"consecutive": 5}})
    peer = pybreaker.CircuitBreaker(fail_max=5)
    group = Group("a call through a closed circuit on memory", ["pybreaker"])
    group.sync("pybreaker", lambda _: peer.call(work))
    group.sync("tidegate, consecutive", lambda _: breaker.call(work))
    table.add(group)

    store = tidegate.Redis(url)
    breaker = tidegate.Tidegate(store=store).circuit_breaker({"name": "closed", "trip": {"consecutive": 5}})
    storage = pybreaker.CircuitRedisStorage(pybreaker.STATE_CLOSED, redis.Redis.from_url(url))
    peer = pybreaker.CircuitBreaker(fail_max=5, state_storage=storage)
    group = Group("a call through a closed circuit on Redis", ["pybreaker"])
    group.sync("pybreaker", lambda _: peer.call(work))
    group.sync("tidegate, consecutive", lambda _: breaker.call(work))
    table.add(group)


def one_caller(table: Table, url: str) -> None:
    limiter = tidegate.Tidegate(store=tidegate.Redis(url)).rate_limiter(gcra("redis"))
    item = limits.RateLimitItemPerSecond(10**12)
    peer = limits.strategies.FixedWindowRateLimiter(limits.storage.RedisStorage(url))
    client = redis.Redis.from_url(url)
    group = Group("one caller on Redis", ["bare GET", "limits, fixed window"])
    group.sync("bare GET", lambda _: client.get("hot"))
    group.sync("limits, fixed window", lambda _: peer.hit(item, "hot"))
    group.sync("tidegate, gcra", lambda _: limiter.try_acquire("hot"))
    table.add(group)


async def many_callers(table: Table, url: str) -> None:
    gate = tidegate.aio.Tidegate(store=tidegate.Redis(url))
    item = limits.RateLimitItemPerSecond(10**12)
    storage = limits.aio.storage.RedisStorage(f"async+{url}", implementation="redispy")
    peer = limits.aio.strategies.FixedWindowRateLimiter(storage)
    client = redis.asyncio.Redis.from_url(url)
    beside = ["bare GET", "limits, fixed window"]

    each, leased = gate.rate_limiter(gcra("hot")), gate.rate_limiter(gcra("leased") | LEASE)
    group = Group(f"{CALLERS} asyncio tasks, one key on Redis", beside)
    group.tasks("bare GET", CALLERS, lambda _: client.get("hot"))
    group.tasks("limits, fixed window", CALLERS, lambda _: peer.hit(item, "hot"))
    group.tasks("tidegate, gcra", CALLERS, lambda _: each.try_acquire("hot"))
    group.tasks("tidegate, gcra, with a lease", CALLERS, lambda _: leased.try_acquire("hot"))
    await table.add_tasks(group)

    few = limits.RateLimitItemPerSecond(FEW)
    denying = gate.rate_limiter({"name": "few", "limits": [{"limit": FEW, "window": "second"}]})
    group = Group(f"{CALLERS} asyncio tasks, one key on Redis, nearly all denied", beside)
    group.tasks("bare GET", CALLERS, lambda _: client.get("hot"))
    group.tasks("limits, fixed window", CALLERS, lambda _: peer.hit(few, "few"))
    group.tasks("tidegate, sliding window", CALLERS, lambda _: denying.try_acquire("few"))
    await table.add_tasks(group)

    spread = gate.rate_limiter(gcra("many"))
    group = Group(f"{CALLERS} asyncio tasks, 10,000 keys on Redis", beside)
    group.tasks("bare GET", CALLERS, lambda _: client.get("hot"))
    group.tasks("limits, fixed window", CALLERS, lambda turn: peer.hit(item, MANY_KEYS[turn % 10_000]))
    group.tasks("tidegate, gcra", CALLERS, lambda turn: spread.try_acquire(MANY_KEYS[turn % 10_000]))
    await table.add_tasks(group)
    await client.aclose()


def main() -> None:
    table = Table()
    with redis_server() as url:
        on_memory(table)
        breakers(table, url)
        one_caller(table, url)
        asyncio.run(many_callers(table, url))
    print(table)


if __name__ == "__main__":
    main()
