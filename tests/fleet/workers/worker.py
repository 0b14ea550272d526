"""A host of the fleet in Python: connects to the store it is told, then does what it is told on stdin and answers on stdout.

What is said is written in ../src/protocol.rs and ../src/strategies.
"""

import asyncio
import contextlib
import json
import sys

import tidegate
from endure import Endurance, Json, json_of, now_us
from tidegate.aio import CircuitBreaker, RateLimiter, Tidegate

# A machine that is busy with other tests takes its time; a call that failed for that would show
# nothing.
STORE_LIMIT_MS = 30_000
# How often the store is asked for its time, in effect, before work starts: the quickest answer
# tells it well.
WARM_UP_CALLS = 20


def say(answer: Json | str) -> None:
    """Answers in one line."""
    print(json.dumps(answer), flush=True)


async def open_gate(place: Json) -> Tidegate:
    """Connects, and learns the store's time."""
    gate = Tidegate(store=tidegate.Redis(place["urls"][0], timeout_ms=place["timeout_ms"] or STORE_LIMIT_MS))
    limiter = gate.rate_limiter({"name": "warm-up", "limits": [{"limit": 1, "window": "second"}]})
    for _ in range(WARM_UP_CALLS):
        # With a short limit, one may fail on a busy machine. Work tells of a store that is not
        # there.
        with contextlib.suppress(tidegate.StoreError):
            await limiter.peek("")
    return gate


async def answer(gate: Tidegate, endurance: Endurance, command: Json | str) -> Json | str:
    """Carries out a command."""
    if isinstance(command, str):
        return {"Endured": await endurance.stop()}
    ((name, about),) = command.items()
    match name:
        case "Hammer":
            return {"Hammered": await hammer_all(gate, about)}
        case "Decide":
            return {"Decided": decided(await ask_once(gate.rate_limiter(about["limiter"]), about))}
        case "ComeBack":
            waiters = (come_back(gate.rate_limiter(one["limiter"]), one) for one in about)
            return {"CameBack": list(await asyncio.gather(*waiters))}
        case "Peek":
            limiter = gate.rate_limiter(about["limiter"])
            return {"Decided": decided(await limiter.peek(about["key"], cost=about["cost"]))}
        case "Circuit":
            return {"Reported": reported(await ask_circuit(gate, about))}
        case "Begin":
            endurance.begin(about)
            return "Begun"
        case "Watch":
            await endurance.watch(about)
            return "Seen"
    raise ValueError(f"there is no command {name}")


async def hammer_all(gate: Tidegate, hammer: Json) -> Json:
    """Asks from many tasks at once."""
    limiter = gate.rate_limiter(hammer["limiter"])
    done: Json = {"admitted": [], "calls": 0, "errors": []}
    await asyncio.gather(*(hammer_one(limiter, hammer, task, done) for task in range(hammer["tasks"])))
    stats = gate.stats()
    return {**done, "diverged": stats.diverged, "foreign": stats.foreign}


async def hammer_one(limiter: RateLimiter, hammer: Json, task: int, done: Json) -> None:
    """Asks again and again."""
    key = hammer["keys"][task % len(hammer["keys"])]
    cost = hammer["costs"][task % len(hammer["costs"])]
    calls, first_us, last_us = 0, None, 0
    while not is_over(hammer["until"], calls, last_us - (first_us or last_us)):
        calls += 1
        done["calls"] += 1
        start_us = now_us()
        try:
            if hammer["waits"]:
                decision = (await limiter.acquire(key, cost=cost)).decision
            else:
                decision = await limiter.try_acquire(key, cost=cost)
        except tidegate.TidegateError as error:
            done["errors"].append(str(error))
            break
        last_us = max(decision.at_us, last_us)
        first_us = first_us or decision.at_us
        if decision.verdict == "allowed":
            call = {"key": key, "cost": cost, "at_us": decision.at_us, "start_us": start_us, "end_us": now_us()}
            done["admitted"].append(call)


def is_over(until: Json, calls: int, passed_us: int) -> bool:
    """Whether a task stops."""
    return calls >= until["Calls"] if "Calls" in until else passed_us >= until["PassedMs"] * 1_000


async def ask_once(limiter: RateLimiter, decide: Json) -> tidegate.Decision:
    """One step of a call that may have to wait."""
    await asyncio.sleep(decide["wait_ms"] / 1_000)
    return await limiter.decide(
        decide["key"], cost=decide["cost"], priority=decide["priority"], ticket=decide["ticket"]
    )


async def come_back(limiter: RateLimiter, decide: Json) -> Json:
    """Comes back when told, until there is a decision."""
    decision = await ask_once(limiter, decide)
    while decision.verdict == "wait":
        decision = await ask_once(limiter, {**decide, "wait_ms": decision.wait_ms})
    return decided(decision)


async def ask_circuit(gate: Tidegate, circuit: Json) -> tidegate.CircuitReport:
    """One call of a circuit."""
    await asyncio.sleep(circuit["wait_ms"] / 1_000)
    breaker: CircuitBreaker = gate.circuit_breaker(circuit["breaker"]).keyed(circuit["key"])
    match circuit["request"]:
        case "Admit":
            return await breaker.admit()
        case {"Failed": permit}:
            return await breaker.failed(permit_of(permit), tidegate.Failure("Error"), elapsed_ms=1)
        case {"Succeeded": permit}:
            return await breaker.succeeded(permit_of(permit), elapsed_ms=1)
    raise ValueError(f"there is no request {circuit['request']}")


def permit_of(json: Json) -> tidegate.Permit:
    """A permit as all languages write it in JSON."""
    generation, admitted_at_us, probe = json["generation"], json["admittedAtUs"], json["probe"]
    return tidegate.Permit.from_dict({"generation": generation, "admitted_at_us": admitted_at_us, "probe": probe})


def decided(decision: tidegate.Decision) -> Json:
    """A decision as the test reads it."""
    return {
        "verdict": decision.verdict,
        "reason": decision.reason or "none",
        "at_us": decision.at_us,
        "count": decision.count,
        "wait_ms": decision.wait_ms,
        "retry_after_ms": decision.retry_after_ms,
        "ticket": decision.ticket,
        "remaining": decision.remaining,
        "release_after_ms": decision.release_after_ms or 0,
    }


def reported(report: tidegate.CircuitReport) -> Json:
    """A report as the test reads it."""
    return {
        "effect": report.effect,
        "state": report.state,
        "cause": report.event.cause if report.event else None,
        "generation": report.generation,
        "permit": json_of(report.permit) if report.permit else None,
        "retry_after_ms": report.retry_after_ms,
    }


async def main() -> None:
    """Answers command after command."""
    gate = await open_gate(json.loads(sys.argv[1]))
    endurance = Endurance(gate)
    say("Ready")
    while line := await asyncio.to_thread(sys.stdin.readline):
        try:
            say(await answer(gate, endurance, json.loads(line)))
        except (tidegate.TidegateError, RuntimeError) as error:
            say({"Failed": str(error)})


asyncio.run(main())
