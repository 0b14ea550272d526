"""Times works in turns and prints what came of it as one table of ratios."""

import argparse
import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable

FIRST_COUNT = 100

_parser = argparse.ArgumentParser()
_parser.add_argument("--only", default="", help="a part of the titles to measure")
_parser.add_argument("--quick", action="store_true", help="few and short samples")
_settings = _parser.parse_args()

SAMPLES = 5 if _settings.quick else 15
SAMPLE_NS = 20_000_000 if _settings.quick else 100_000_000


class Group:
    """Works that are shown beside each other; each also as a ratio to those in ``beside``.

    They are measured in turns, so that whatever else the machine does meets them alike.
    """

    def __init__(self, title: str, beside: list[str]) -> None:
        self.title = title
        self.beside = beside
        self.runs: dict[str, Callable[[int], Awaitable[int]]] = {}
        self.counts: dict[str, int] = {}
        self.samples_ns: dict[str, list[float]] = {}

    def sync(self, name: str, work: Callable[[int], object]) -> None:
        """Adds work that is done one after the other."""

        async def run(count: int) -> int:
            start = time.perf_counter_ns()
            for turn in range(count):
                work(turn)
            return time.perf_counter_ns() - start

        self.runs[name] = run

    def tasks(self, name: str, callers: int, work: Callable[[int], Awaitable[object]]) -> None:
        """Adds work that this many tasks do at once, each one after the other."""

        async def caller(first: int, count: int) -> None:
            for turn in range(first, count, callers):
                await work(turn)

        async def run(count: int) -> int:
            start = time.perf_counter_ns()
            await asyncio.gather(*(caller(first, count) for first in range(callers)))
            return time.perf_counter_ns() - start

        self.runs[name] = run

    async def measure(self) -> None:
        """Measures all of them."""
        for name, run in self.runs.items():
            count = FIRST_COUNT
            while (took_ns := await run(count)) < SAMPLE_NS:
                count = more(count, took_ns)
            self.counts[name] = count
            self.samples_ns[name] = []
        for _ in range(SAMPLES):
            for name, run in self.runs.items():
                self.samples_ns[name].append(await run(self.counts[name]) / self.counts[name])

    def lines(self) -> list[str]:
        """A line for each work."""
        return [self._line(name, samples) for name, samples in self.samples_ns.items()]

    def _line(self, name: str, samples: list[float]) -> str:
        ns = statistics.median(samples)
        shown = f"{ns:.0f} ns" if ns < 10_000 else f"{ns / 1_000:.1f} us"
        others = [other for other in self.beside if other != name]
        ratios = ", ".join(f"{self._ratio(samples, other):.2f} x {other}" for other in others)
        return f"| {self.title} | {name} | {shown} | {1e9 / ns:,.0f} | {ratios} |"

    def _ratio(self, samples: list[float], other: str) -> float:
        return statistics.median(ns / other_ns for ns, other_ns in zip(samples, self.samples_ns[other], strict=True))


class Table:
    """The groups as a table in Markdown."""

    def __init__(self) -> None:
        self.lines = ["| work | by | time | a second | of its floor and peers |", "|---|---|---:|---:|---|"]

    def add(self, group: Group) -> None:
        """Measures a group outside of asyncio, if it is wanted."""
        asyncio.run(self.add_tasks(group))

    async def add_tasks(self, group: Group) -> None:
        """Measures a group, if it is wanted."""
        if _settings.only in group.title:
            await group.measure()
            self.lines += group.lines()

    def __str__(self) -> str:
        return "\n".join(self.lines)


def more(count: int, took_ns: int) -> int:
    """A count whose sample is long enough, approached in steps; the shorter ones warm up."""
    return min(int(count * SAMPLE_NS * 1.2 / max(took_ns, 1)) + 1, count * 100)
