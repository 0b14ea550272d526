"""A worker of the benchmark ``accuracy`` that asks limits: ``python accuracy.py URL LIMITER``.

What it is told and what it says is written in benches/accuracy/team.rs.
"""

import asyncio
import sys
import time

import limits
import limits.aio

CALLERS = 16
PAUSE_S = 0.002

STRATEGIES = {
    "fixed window": limits.aio.strategies.FixedWindowRateLimiter,
    "sliding window counter": limits.aio.strategies.SlidingWindowCounterRateLimiter,
    "moving window": limits.aio.strategies.MovingWindowRateLimiter,
}
ITEM = limits.RateLimitItemPerSecond(100)


def now_us() -> int:
    """Microseconds since 1970."""
    return time.time_ns() // 1_000


async def sleep_until(at_us: int) -> None:
    """Returns at that time."""
    await asyncio.sleep(max(0, at_us - now_us()) / 1e6)


class Worker:
    """Asks one limiter."""

    def __init__(self, url: str, name: str) -> None:
        storage = limits.aio.storage.RedisStorage(f"async+{url}", implementation="redispy")
        self.limiter = STRATEGIES[name](storage)
        self.admitted: list[str] = []

    async def ask(self) -> None:
        """Asks once."""
        asked_us = now_us()
        if await self.limiter.hit(ITEM, "key"):
            self.admitted.append(f"{asked_us} {now_us()}")

    async def caller(self, from_us: int, to_us: int) -> None:
        """Asks from one time to another."""
        await sleep_until(from_us)
        while now_us() < to_us:
            await self.ask()
            await asyncio.sleep(PAUSE_S)

    async def round(self, open_us: int, from_us: int, to_us: int) -> None:
        """One order."""
        self.admitted.clear()
        if open_us > 0:
            await sleep_until(open_us)
            await self.ask()
        await asyncio.gather(*(self.caller(from_us, to_us) for _ in range(CALLERS)))
        print("\n".join([*self.admitted, "done"]), flush=True)


async def main() -> None:
    """Takes orders until there are no more."""
    worker = Worker(sys.argv[1], sys.argv[2])
    await worker.limiter.test(ITEM, "key")
    print("ready", flush=True)
    while line := await asyncio.to_thread(sys.stdin.readline):
        open_us, from_us, to_us = (int(time_us) for time_us in line.split())
        await worker.round(open_us, from_us, to_us)


asyncio.run(main())
