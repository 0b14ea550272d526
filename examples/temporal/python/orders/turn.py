"""Waiting for one's turn in a workflow: activities take steps, the workflow's own timer does the waiting."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Generic, Protocol, TypeVar

from temporalio import workflow
from temporalio.exceptions import ActivityError, is_cancelled_exception

Held = TypeVar("Held")


class AnyStep(Protocol):
    """What a step tells, by the names of its JSON: `go`, `waitMs` and `held`."""

    def __getitem__(self, name: str, /) -> Any: ...


S = TypeVar("S", bound=AnyStep)


@dataclass(frozen=True)
class Steps(Generic[Held, S]):
    """How to take a step and how to give back what it took; both are activities."""

    take: Callable[[Held | None], Awaitable[S]]
    give_back: Callable[[Held], Awaitable[None]]


@dataclass(frozen=True)
class Turn(Generic[S]):
    """What the last step said, and how long the workflow was told to wait."""

    step: S
    queued_ms: int


async def take_turn(steps: Steps[Held, S]) -> Turn[S]:
    """Takes steps until it is one's turn. When the workflow is cancelled, what the last step took is given back."""
    queued_ms = 0
    step = await _take_step(steps, None)
    while not step["go"]:
        try:
            await workflow.sleep(timedelta(milliseconds=step["waitMs"]))
        except asyncio.CancelledError:
            await best_effort(steps.give_back(step["held"]))
            raise
        queued_ms += step["waitMs"]
        step = await _take_step(steps, step["held"])
    return Turn(step, queued_ms)


async def _take_step(steps: Steps[Held, S], held: Held | None) -> S:
    """A step is seen through though the workflow is cancelled meanwhile, so that what it took can be given back."""
    taking = asyncio.ensure_future(steps.take(held))
    try:
        return await asyncio.shield(taking)
    except asyncio.CancelledError:
        step = await taking
        await best_effort(steps.give_back(step["held"]))
        raise


async def best_effort(giving_back: Awaitable[None]) -> None:
    """What is not given back is not lost: a place in the queue is passed over, a permit comes back with its window."""
    try:
        await giving_back
    except ActivityError as error:
        if is_cancelled_exception(error):
            raise
        workflow.logger.warning("nothing was given back", exc_info=error)
