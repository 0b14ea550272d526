"""Workers of three languages on one Redis share one limit and one circuit, against one server.

The worker processes of each language's demo take the same jobs and tell of the same events, so one can lead them all.
"""

import asyncio
import os
import sys
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path

import pytest

from promises import adds_up, opened_and_closed
from redis_server import RedisServer
from resilient_api_calls.args import Settings
from resilient_api_calls.event import Change, Done, Event, FailedFast, Passed
from resilient_api_calls.server import Script, Server, serving
from resilient_api_calls.summary import Summary, summarize
from resilient_api_calls.tally import Tally
from resilient_api_calls.time import now_us
from resilient_api_calls.worker import PROGRAM, Job, run_in_process
from resilient_api_calls.workflow import Plan

REPOSITORY = Path(__file__).parents[4]
Told = Mapping[str, Sequence[Event]]


def programs() -> dict[str, Sequence[str]]:
    """The worker of each language."""
    rust = built("RESILIENT_API_CALLS_RUST", "target/release/resilient-api-calls")
    script = built("RESILIENT_API_CALLS_TYPESCRIPT", "examples/resilient-api-calls/typescript/dist/main.js")
    return {"Rust": (rust, "--worker"), "TypeScript": ("node", script, "--worker"), "Python": PROGRAM}


def built(variable: str, usual: str) -> str:
    path = Path(os.environ.get(variable, REPOSITORY / usual))
    if not path.is_file():
        pytest.fail(f"{path} is not built: `cargo xtask demo --help`, with each --language, does that")
    return str(path)


def settings(redis: RedisServer) -> Settings:
    """A third of the items is done when the server begins to fail: workers that start late are there by then."""
    return Settings(
        items=360, rate=40, redis=redis.url, workers=3, concurrency=4, fail_from=120, fail_for_ms=1_500, open_ms=500
    )


async def run(chosen: Settings, server: Server) -> tuple[Summary, Told]:
    """Run a worker of each language, and tell what each told."""
    started_us, tally, told = now_us(), Tally(), defaultdict[str, list[Event]](list)
    plan = Plan(
        redis=chosen.redis,
        key="mixed",
        rate=chosen.rate,
        queue_size=1_000,
        queue_timeout_ms=chosen.queue_timeout_ms,
        failures=chosen.failures,
        open_ms=chosen.open_ms,
        server=server.url,
    )

    def tell(language: str, event: Event) -> None:
        told[language].append(event)
        tally.add(event)

    await asyncio.gather(
        *(
            run_in_process(
                Job(plan, chosen.items, first, chosen.workers, chosen.concurrency), partial(tell, language), program
            )
            for first, (language, program) in enumerate(programs().items())
        )
    )
    return summarize(chosen, tally, server.log, started_us, now_us()), told


def test_three_languages_share_one_limit_and_one_circuit(redis: RedisServer) -> None:
    chosen = settings(redis)

    async def fleet() -> tuple[Summary, Told]:
        script = Script(chosen.fail_from, chosen.fail_for_ms, chosen.latency_ms)
        async with serving(script) as server:
            return await run(chosen, server)

    summary, told = asyncio.run(fleet())
    adds_up(asdict(summary))
    opened_and_closed(asdict(summary.circuit)["transitions"])
    for language, events in told.items():
        outcomes = Counter(type(event.outcome) for event in events if isinstance(event, Done))
        assert outcomes.total() == chosen.items // 3, language
        assert outcomes[Passed] > 0, language
        assert outcomes[FailedFast] > 0, f"{language} heeded the circuit, whoever opened it: {outcomes}"
    show(summary, told)


def show(summary: Summary, told: Told) -> None:
    """Pytest shows this with -s."""
    changed = {language: sum(isinstance(event, Change) for event in events) for language, events in told.items()}
    most = (summary.limiter.most_in_any_second, summary.server.most_in_any_second)
    sys.stdout.write(f"at most {most} in any second; state changes by language: {changed}\n")
