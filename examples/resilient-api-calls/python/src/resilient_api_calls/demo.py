"""The demo: starts the server and the workers, follows what happens, and sums it up."""

import asyncio
import json
import os
import sys
from collections.abc import Coroutine
from dataclasses import asdict

from resilient_api_calls import progress, worker
from resilient_api_calls.args import Settings
from resilient_api_calls.event import Events
from resilient_api_calls.server import Script, Server, serving
from resilient_api_calls.summary import Summary, summarize
from resilient_api_calls.summary.text import text_of
from resilient_api_calls.tally import Tally
from resilient_api_calls.time import now_us
from resilient_api_calls.worker import Job
from resilient_api_calls.workflow import Plan


async def run(settings: Settings) -> None:
    """Run the demo and print its summary.

    Raises:
        RuntimeError: items had no decision, or outcomes were not recorded.
    """
    script = Script(settings.fail_from, settings.fail_for_ms, settings.latency_ms)
    async with serving(script) as server:
        await _run_against(server, settings)


async def _run_against(server: Server, settings: Settings) -> None:
    started_us = now_us()
    plan = _plan(settings, server.url, started_us)
    tally = Tally()
    async with progress.shown(settings, plan.key, tally, started_us) as shown:
        ended = await asyncio.gather(*_workers(settings, plan, shown.follow), return_exceptions=True)
    failed = next((error for error in ended if error is not None), None)
    if tally.done == 0:
        # Nothing happened that could be summed up.
        raise failed or RuntimeError("the workers ended before they handled an item")
    _print(summarize(settings, tally, server.log, started_us, now_us()), settings.is_json)
    if failed is not None:
        raise failed
    if tally.undecided > 0:
        raise RuntimeError(f"{tally.undecided} items had no decision: {tally.last_trouble}")
    if tally.unrecorded > 0:
        raise RuntimeError(f"{tally.unrecorded} outcomes were not recorded: {tally.last_trouble}")


def _plan(settings: Settings, server: str, started_us: int) -> Plan:
    return Plan(
        redis=settings.redis,
        # Without a key given, runs that follow each other on one Redis do not meet.
        key=f"run-{started_us}-{os.getpid()}" if settings.key is None else settings.key,
        rate=settings.rate,
        # Runs that share a key share the queue, too.
        queue_size=10_000,
        queue_timeout_ms=settings.queue_timeout_ms,
        failures=settings.failures,
        open_ms=settings.open_ms,
        server=server,
    )


def _workers(settings: Settings, plan: Plan, events: Events) -> list[Coroutine[None, None, None]]:
    """A single worker needs no process of its own."""
    step = settings.workers
    jobs = [Job(plan, settings.items, first, step, settings.concurrency) for first in range(step)]
    start = worker.run if step == 1 else worker.run_in_process
    return [start(job, events) for job in jobs]


def _print(summary: Summary, is_json: bool) -> None:
    text = json.dumps(asdict(summary), indent=2, ensure_ascii=False) if is_json else text_of(summary)
    sys.stdout.write(f"{text}\n")
