"""What fails when Redis pauses, keys come in bursts, the process is busy or a connection is slow: beside `limits`, in one run.

It prints calls that fail, and how long the slowest took; no time is held against anybody.
"""

import argparse
import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from urllib.parse import urlsplit

import limits
import limits.aio
import redis
import tidegate
import tidegate.aio

from redis_server import redis_server

_parser = argparse.ArgumentParser()
_parser.add_argument("--only", default="hiccups", help="a part of the titles to show; hiccups: all")
_parser.add_argument("--quick", action="store_true", help="fewer rows")
_settings = _parser.parse_args()

PAUSES_MS = [60, 300] if _settings.quick else [10, 60, 100, 200, 300, 500, 1_000]
USERS = [20] if _settings.quick else [1, 20, 100, 1_000]
BURSTS = [10, 1_000, 10_000] if _settings.quick else [10, 100, 1_000, 10_000, 100_000]
BUSY_MS = [60, 500] if _settings.quick else [10, 60, 100, 250, 500]
CONNECTS_MS = [100] if _settings.quick else [10, 100, 200, 500, 1_000]
# After a pause the users go on for so long.
AFTERWARDS_S = 0.2
# How many calls are under way while the loop is busy.
IN_FLIGHT = 10
# More than can be asked for: a call that is not let go has failed.
PLENTY = 1_000_000

Call = Callable[[str], Awaitable[object]]


class Tally:
    """How calls ended."""

    def __init__(self) -> None:
        self.calls = 0
        self.failed = 0
        self.slowest_s = 0.0
        self.causes: set[str] = set()

    async def make(self, call: Call, key: str) -> None:
        """Makes a call, and notes how it ends."""
        start = time.perf_counter()
        try:
            await call(key)
        except Exception as error:  # noqa: BLE001 - whatever it is, the call has failed
            self.failed += 1
            self.causes.add(type(error).__name__)
        self.calls += 1
        self.slowest_s = max(self.slowest_s, time.perf_counter() - start)

    def __str__(self) -> str:
        causes = f" ({', '.join(sorted(self.causes))})" if self.causes else ""
        return f"{self.failed:,} of {self.calls:,}{causes} | {self.slowest_s * 1_000:,.0f} ms"


class Table:
    """What was counted, as a table in Markdown."""

    def __init__(self) -> None:
        self.lines = ["| what | by | calls that failed | the slowest took |", "|---|---|---:|---:|"]

    def add(self, title: str, by: str, tally: Tally) -> None:
        """One line."""
        self.lines.append(f"| {title} | {by} | {tally} |")
        print(self.lines[-1], flush=True)


@contextlib.asynccontextmanager
async def tidegate_on(url: str) -> AsyncIterator[Call]:
    """A limiter as it comes, for this many keys."""
    gate = tidegate.aio.Tidegate(store=tidegate.Redis(url))
    limiter = gate.rate_limiter({"name": "api", "limits": [{"limit": PLENTY, "window": "second"}]})
    yield limiter.try_acquire


@contextlib.asynccontextmanager
async def limits_on(url: str) -> AsyncIterator[Call]:
    """The same by `limits`, as it comes."""
    storage = limits.aio.storage.RedisStorage(f"async+{url}", implementation="redispy")
    limiter = limits.aio.strategies.FixedWindowRateLimiter(storage)
    item = limits.RateLimitItemPerSecond(PLENTY)
    yield lambda key: limiter.hit(item, key)
    await storage.bridge.storage.aclose()


BOTH = {"tidegate": tidegate_on, "limits": limits_on}


async def pause(client: redis.Redis, call: Call, users: int, pause_ms: int) -> Tally:
    """This many users call one after the other, while the server pauses."""
    tally, over = Tally(), asyncio.Event()

    async def user(number: int) -> None:
        while not over.is_set():
            await tally.make(call, f"user-{number}")
            # A call that fails at once would leave nobody else a turn.
            await asyncio.sleep(0)

    await call("first")
    working = [asyncio.create_task(user(number)) for number in range(users)]
    await asyncio.sleep(AFTERWARDS_S)
    client.execute_command("CLIENT", "PAUSE", pause_ms, "ALL")
    await asyncio.sleep(pause_ms / 1_000 + AFTERWARDS_S)
    over.set()
    await asyncio.gather(*working)
    return tally


async def burst(call: Call, keys: int) -> Tally:
    """This many keys at once, twice."""
    tally = Tally()
    for _ in range(2):
        await asyncio.gather(*(tally.make(call, f"key-{key}") for key in range(keys)))
    return tally


async def busy(call: Call, busy_ms: int) -> Tally:
    """Calls are under way, and the loop does something else for a while, and no more than that."""
    tally = Tally()
    await call("first")
    for turn in range(5):
        calls = [asyncio.create_task(tally.make(call, f"key-{turn}-{key}")) for key in range(IN_FLIGHT)]
        await asyncio.sleep(0)
        until = time.perf_counter() + busy_ms / 1_000
        while time.perf_counter() < until:
            pass
        await asyncio.gather(*calls)
    return tally


@contextlib.asynccontextmanager
async def slow_door(url: str, after_ms: int) -> AsyncIterator[str]:
    """A way to a server that lets each connection through after a while."""
    to = urlsplit(url)
    pumps: set[asyncio.Task[None]] = set()

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(65_536):
                writer.write(data)
                await writer.drain()
        writer.close()

    async def enter(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(after_ms / 1_000)
        inside, outside = await asyncio.open_connection(to.hostname, to.port)
        for pair in ((reader, outside), (inside, writer)):
            task = asyncio.create_task(pump(*pair))
            pumps.add(task)
            task.add_done_callback(pumps.discard)

    server = await asyncio.start_server(enter, "127.0.0.1", 0)
    yield f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    server.close()
    for task in list(pumps):
        task.cancel()


async def connect(url: str, open_on: Callable[[str], contextlib.AbstractAsyncContextManager[Call]], ms: int) -> Tally:
    """The first calls of a process whose connection is slow to open."""
    tally = Tally()
    async with slow_door(url, ms) as door, open_on(door) as call:
        await asyncio.gather(*(tally.make(call, f"key-{key}") for key in range(IN_FLIGHT)))
    return tally


def wanted(title: str) -> bool:
    """Whether a part is to be shown."""
    return _settings.only in ("", "hiccups") or _settings.only in title


async def measure(table: Table, url: str, client: redis.Redis) -> None:
    """All parts."""
    parts: Iterator[tuple[str, Callable[[Call], Awaitable[Tally]]]] = iter(
        [
            *(
                (f"a pause of {ms:,} ms, {users:,} users", lambda call, u=users, p=ms: pause(client, call, u, p))
                for ms in PAUSES_MS
                for users in USERS
            ),
            *((f"a burst of {keys:,} keys, twice", lambda call, k=keys: burst(call, k)) for keys in BURSTS),
            *((f"a busy loop of {ms:,} ms", lambda call, b=ms: busy(call, b)) for ms in BUSY_MS),
        ]
    )
    for title, work in parts:
        if wanted(title):
            for by, open_on in BOTH.items():
                async with open_on(url) as call:
                    table.add(title, by, await work(call))
    for ms in CONNECTS_MS:
        title = f"a connection that opens after {ms:,} ms"
        if wanted(title):
            for by, open_on in BOTH.items():
                table.add(title, by, await connect(url, open_on, ms))


def main() -> None:
    """Prints the table."""
    table = Table()
    print("\n".join(table.lines))
    with redis_server() as url:
        asyncio.run(measure(table, url, redis.Redis.from_url(url)))


if __name__ == "__main__":
    main()
