"""Keeping up loads in the background. What is said is written in ../src/endurance.rs and ../src/strategies."""

import asyncio
import contextlib
import re
import time
from collections.abc import Awaitable, Callable
from typing import Any

import tidegate
from tidegate.aio import Tidegate

# More than anything takes that comes: only what never comes meets it.
PATIENCE_S = 60

Json = dict[str, Any]


def now_us() -> int:
    """The machine's clock."""
    return time.time_ns() // 1_000


class Endurance:
    """The loads under way."""

    def __init__(self, gate: Tidegate) -> None:
        """Keeps up none yet."""
        self._gate = gate
        self._limiters: list[Limiter] = []
        self._circuits: list[Circuit] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._stopping = asyncio.Event()
        self._news = asyncio.Condition()

    def begin(self, loads: Json) -> None:
        """Starts the tasks of all loads."""
        for load in loads["limiters"]:
            self._limiters.append(Limiter(self._gate, load))
            self._start(self._limiters[-1], load)
        for load in loads["circuits"]:
            self._circuits.append(Circuit(self._gate, load))
            self._start(self._circuits[-1], load)

    async def watch(self, watch: Json) -> None:
        """Waits until the loads show a signal."""

        async def seen() -> None:
            async with self._news:
                await self._news.wait_for(lambda: self._shows(watch["since_us"], watch["signal"]))

        try:
            await asyncio.wait_for(seen(), PATIENCE_S)
        except asyncio.TimeoutError:
            raise RuntimeError(f"{watch} does not come: {self._state()}") from None

    async def stop(self) -> Json:
        """Lets all tasks end; what became of the loads."""

        async def ended() -> None:
            await asyncio.gather(*self._tasks)
            # What was let go without the store is charged before anybody looks, and what is left of
            # leases given back.
            await self._gate.flush()

        self._stopping.set()
        try:
            await asyncio.wait_for(ended(), PATIENCE_S)
        except asyncio.TimeoutError:
            raise RuntimeError(f"calls hang: {self._state()}") from None
        stats = self._gate.stats()
        tolls, circuits = ([kept.toll for kept in all_kept] for all_kept in (self._limiters, self._circuits))
        counts = {"diverged": stats.diverged, "foreign": stats.foreign, "lost": stats.lost}
        return {"tolls": tolls, "circuits": circuits, **counts}

    def _start(self, kept: "Limiter | Circuit", load: Json) -> None:
        for task in range(load["tasks"]):
            self._tasks.append(asyncio.create_task(self._keep_up(kept, task, max(load["pause_ms"], 1) / 1_000)))

    async def _keep_up(self, kept: "Limiter | Circuit", task: int, pause_s: float) -> None:
        async def pause() -> None:
            with contextlib.suppress(asyncio.TimeoutError):
                # Ends at once when told to.
                await asyncio.wait_for(self._stopping.wait(), pause_s)

        while not self._stopping.is_set():
            await kept.call(task, pause)
            async with self._news:
                self._news.notify_all()
            await pause()

    def _shows(self, since_us: int, signal: str | Json) -> bool:
        everything = [*self._limiters, *self._circuits]

        def since(kept: "Limiter | Circuit", *kinds: str) -> bool:
            return all(kept.latest[kind] >= since_us for kind in kinds)

        match signal:
            case "Served":
                return all(since(kept, "served") for kept in everything)
            case "Leased":
                return any(since(kept, "leased") for kept in self._limiters)
            case "Degraded":
                return all(since(kept, "degraded") for kept in everything)
            case "Turned":
                return all(since(kept, "open", "closed") for kept in self._circuits)
            case "TurnedAlone":
                return all(since(kept, "open-alone", "closed-alone") for kept in self._circuits)
            case {"ServedAmong": loads}:
                return all(since(self._limiters[load], "served") for load in loads)
            case {"Failed": text}:
                failures = (failure for kept in everything for failure in kept.toll["failures"].items())
                return any(one["last_us"] >= since_us and text in error for error, one in failures)
        raise ValueError(f"there is no signal {signal}")

    def _state(self) -> str:
        """What to say where a test does not get what it waits for."""
        everything = [*self._limiters, *self._circuits]
        return f"now {now_us()}; {[(kept.name, kept.latest, kept.toll['failures']) for kept in everything]}"


class Limiter:
    """A load on a limiter and what has become of it so far."""

    def __init__(self, gate: Tidegate, load: Json) -> None:
        """Nothing yet."""
        self._limiter = gate.rate_limiter(load["limiter"])
        self._load = load
        self.name = load["limiter"]["name"]
        self.latest = {"served": 0, "leased": 0, "degraded": 0}
        lists: Json = {"admitted": [], "degraded": [], "failures": {}}
        self.toll: Json = {**lists, "denied": 0, "degraded_denied": 0, "longest_us": 0}

    async def call(self, task: int, _pause: Callable[[], Awaitable[None]]) -> None:
        """Asks once."""
        cost = self._load["costs"][task % len(self._load["costs"])]
        start_us, end_us, decision = await timed(self.toll, cost, self._ask(cost))
        if decision is not None:
            self._note(cost, start_us, end_us, decision)

    async def _ask(self, cost: int) -> tidegate.Decision:
        key = self._load["key"]
        if not self._load["waits"]:
            return await self._limiter.try_acquire(key, cost=cost)
        try:
            return (await self._limiter.acquire(key, cost=cost)).decision
        except tidegate.RateLimitError as error:
            return error.decision

    def _note(self, cost: int, start_us: int, end_us: int, decision: tidegate.Decision) -> None:
        toll, allowed = self.toll, decision.verdict == "allowed"
        at_us = decision.at_us or end_us
        call = {"key": self._load["key"], "cost": cost, "at_us": at_us, "start_us": start_us, "end_us": end_us}
        if decision.degraded:
            self.latest["degraded"] = max(self.latest["degraded"], start_us)
            if allowed:
                toll["degraded"].append(call)
            else:
                toll["degraded_denied"] += 1
        elif allowed:
            # What goes on a lease does not show that the store is there.
            kind = "leased" if decision.leased else "served"
            self.latest[kind] = max(self.latest[kind], start_us)
            charged = {"leased": decision.leased, "charged_at_us": decision.charged_at_us or 0}
            toll["admitted"].append({**call, **charged})
        else:
            toll["denied"] += 1


class Circuit:
    """A load on a circuit and what has become of it so far."""

    def __init__(self, gate: Tidegate, load: Json) -> None:
        """Nothing yet."""
        self._breaker = gate.circuit_breaker(load["breaker"]).keyed(load["key"])
        self._load = load
        self.name = load["breaker"]["name"]
        kinds = ("served", "degraded", "open", "closed", "half-open", "open-alone", "closed-alone", "half-open-alone")
        self.latest = dict.fromkeys(kinds, 0)
        self.toll: Json = {"passages": [], "refused": {}, "refused_degraded": 0, "failures": {}, "longest_us": 0}

    async def call(self, _task: int, pause: Callable[[], Awaitable[None]]) -> None:
        """Makes a call through the circuit, if it is admitted."""
        start_us, end_us, report = await timed(self.toll, 0, self._breaker.admit())
        if report is None:
            return
        self._note(start_us, report)
        if report.permit is None:
            return
        called = time.monotonic()
        await pause()
        telling = self._tell(report.permit, (time.monotonic() - called) * 1_000)
        telling_us, told_us, told = await timed(self.toll, 0, telling)
        passage = {"start_us": start_us, "end_us": end_us, "permit": json_of(report.permit), "telling_us": telling_us}
        self.toll["passages"].append({**passage, "told": told and told_of(told, told_us)})

    def _tell(self, permit: tidegate.Permit, elapsed_ms: float) -> Awaitable[tidegate.CircuitReport]:
        if now_us() // (self._load["period_ms"] * 1_000) % 2 == 1:
            return self._breaker.failed(permit, tidegate.Failure("Error"), elapsed_ms=elapsed_ms)
        return self._breaker.succeeded(permit, elapsed_ms=elapsed_ms)

    def _note(self, start_us: int, report: tidegate.CircuitReport) -> None:
        kinds = [f"{report.state}-alone", "degraded"] if report.degraded else [report.state]
        if report.permit is None:
            self.toll["refused"][report.effect] = self.toll["refused"].get(report.effect, 0) + 1
            self.toll["refused_degraded"] += report.degraded
        elif not report.degraded:
            kinds.append("served")
        for kind in kinds:
            self.latest[kind] = max(self.latest[kind], start_us)


def told_of(report: tidegate.CircuitReport, end_us: int) -> Json:
    """A circuit's answer to an outcome."""
    cause = report.event.cause if report.event else None
    about = {"effect": report.effect, "state": report.state, "generation": report.generation}
    return {**about, "end_us": end_us, "cause": cause, "degraded": report.degraded}


def json_of(permit: tidegate.Permit) -> Json:
    """A permit as all languages write it in JSON."""
    about = {"generation": permit.generation, "admittedAtUs": permit.admitted_at_us, "probe": permit.probe}
    return {**about, "degraded": permit.degraded}


async def timed(toll: Json, permits: int, call: Awaitable[Any]) -> tuple[int, int, Any]:
    """Makes a call, and takes note of its length and of an error: its begin, its end, and the answer if there is one."""
    started, start_us, answer = time.monotonic(), now_us(), None
    try:
        answer = await call
    except tidegate.TidegateError as error:
        failures = toll["failures"].setdefault(in_words(str(error)), {"calls": 0, "permits": 0, "last_us": 0})
        failures["calls"] += 1
        failures["permits"] += permits
        failures["last_us"] = now_us()
    toll["longest_us"] = max(toll["longest_us"], int((time.monotonic() - started) * 1_000_000))
    return start_us, now_us(), answer


def in_words(text: str) -> str:
    """The text without its numbers: how long until the store is asked again is another in each error."""
    return re.sub(r"\d+", "#", text)
