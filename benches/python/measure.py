"""Times work and prints what came of it as one table of ratios."""

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable

SAMPLES = 15
SAMPLE_NS = 100_000_000
FIRST_COUNT = 100


class Group:
    """Works that are shown beside each other; each also as a ratio to those in ``beside``."""

    def __init__(self, title: str, beside: list[str]) -> None:
        self.title = title
        self.beside = beside
        self.medians_ns: dict[str, float] = {}

    def sync(self, name: str, work: Callable[[int], object]) -> None:
        """Measures work that is done one after the other."""

        def run(count: int) -> int:
            start = time.perf_counter_ns()
            for turn in range(count):
                work(turn)
            return time.perf_counter_ns() - start

        count = FIRST_COUNT
        while (took_ns := run(count)) < SAMPLE_NS:
            count = more(count, took_ns)
        self.medians_ns[name] = statistics.median(run(count) / count for _ in range(SAMPLES))

    async def tasks(self, name: str, callers: int, work: Callable[[], Awaitable[object]]) -> None:
        """Measures work that so many tasks do at once, each one after the other."""

        async def caller(share: int) -> None:
            for _ in range(share):
                await work()

        async def run(count: int) -> int:
            start = time.perf_counter_ns()
            await asyncio.gather(*(caller(count // callers) for _ in range(callers)))
            return time.perf_counter_ns() - start

        count = FIRST_COUNT * callers
        while (took_ns := await run(count)) < SAMPLE_NS:
            count = -(-more(count, took_ns) // callers) * callers
        self.medians_ns[name] = statistics.median([await run(count) / count for _ in range(SAMPLES)])


class Table:
    """The groups as a table in Markdown."""

    def __init__(self) -> None:
        self.groups: list[Group] = []

    def add(self, group: Group) -> None:
        """Adds a group that was measured."""
        self.groups.append(group)

    def __str__(self) -> str:
        lines = ["| work | by | time | a second | of its floor and peers |", "|---|---|---:|---:|---|"]
        for group in self.groups:
            lines += [line(group, name, ns) for name, ns in group.medians_ns.items()]
        return "\n".join(lines)


def line(group: Group, name: str, ns: float) -> str:
    """One work of a group."""
    others = [other for other in group.beside if other != name]
    ratios = ", ".join(f"{ns / group.medians_ns[other]:.2f} x {other}" for other in others)
    shown = f"{ns:.0f} ns" if ns < 10_000 else f"{ns / 1_000:.1f} us"
    return f"| {group.title} | {name} | {shown} | {1e9 / ns:,.0f} | {ratios} |"


def more(count: int, took_ns: int) -> int:
    """A count whose sample is long enough, approached in steps; the shorter ones warm up."""
    return min(int(count * SAMPLE_NS * 1.2 / max(took_ns, 1)) + 1, count * 100)
