"""Workers: tasks that handle items, in this process or in one of its own."""

import asyncio
import json
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from resilient_api_calls.args import quoted
from resilient_api_calls.event import Event, Events, from_wire, to_wire
from resilient_api_calls.workflow import Plan, Workflow, workflow

PROGRAM: Sequence[str] = (sys.executable, "-m", "resilient_api_calls", "--worker")
"""What a worker process runs. Those of the demo in other languages take the same jobs and tell of the same events."""


@dataclass(frozen=True)
class Job:
    """What one worker has to do. It goes to a process as JSON, which is the same in every language."""

    plan: Plan
    """What all workers have in common."""
    items: int
    """How many items there are in all."""
    first: int
    """This worker handles ``first``, ``first + step`` and so on."""
    step: int
    """How many workers there are."""
    concurrency: int
    """How many items it handles at once."""


async def run(job: Job, events: Events) -> None:
    """Do a job in this process."""
    items = iter(range(job.first, job.items, job.step))

    async def handle_items(opened: Workflow) -> None:
        for item in items:
            await opened.handle(item)

    async with workflow(job.plan, events) as opened:
        await asyncio.gather(*(handle_items(opened) for _ in range(job.concurrency)))


async def run_in_process(job: Job, events: Events, program: Sequence[str] = PROGRAM) -> None:
    """Do a job in a process of its own, and pass on what that tells.

    Raises:
        RuntimeError: the process failed, or said what is no event.
    """
    name = f"worker process {job.first + 1} of {job.step}"
    process = await asyncio.create_subprocess_exec(*program, stdin=PIPE, stdout=PIPE)
    try:
        await _follow(process, job, events, name)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def _follow(process: Process, job: Job, events: Events, name: str) -> None:
    assert process.stdin is not None
    assert process.stdout is not None
    # The job comes by the standard input: a URL with a password is no business of the list of
    # processes.
    process.stdin.write(json.dumps(asdict(job)).encode())
    process.stdin.close()
    async for line in process.stdout:
        events(_event(line, name))
    status = await process.wait()
    if status != 0:
        raise RuntimeError(f"{name} ended with {f'exit status: {status}' if status > 0 else f'signal: {-status}'}")


def _event(line: bytes, name: str) -> Event:
    try:
        return from_wire(json.loads(line))
    except (ValueError, TypeError) as error:
        raise RuntimeError(f"{name} said {quoted(line.decode(errors='replace'))}") from error


async def work() -> None:
    """The worker process: reads its job, and writes what happens as lines of JSON."""
    job = json.load(sys.stdin)
    plan = Plan(**job.pop("plan"))
    await run(Job(plan=plan, **job), _write)


def _write(event: Event) -> None:
    sys.stdout.write(json.dumps(to_wire(event)) + "\n")
    sys.stdout.flush()
