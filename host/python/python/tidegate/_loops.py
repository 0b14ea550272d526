"""The bridges of asyncio loops, one for each, and how a task waits for a call."""

from __future__ import annotations

import asyncio
import weakref
from typing import TypeVar, cast

from tidegate._tidegate import Bridge, Pending

T = TypeVar("T")
A = TypeVar("A")

_bridges: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Bridge] = weakref.WeakKeyDictionary()


def bridge_of(loop: asyncio.AbstractEventLoop) -> Bridge:
    """The bridge of a loop that runs in this thread. The loop watches it until it is closed."""
    bridge = _bridges.get(loop)
    if bridge is None:
        bridge = Bridge()
        bridge.watch(loop)
        _bridges[loop] = bridge
    return bridge


async def hear(pending: Pending[T]) -> T:
    """The outcome of a call under way.

    A task that is cancelled gives the call up, and ends when all that it was given is given back: that takes as long as
    the store takes to answer, and at most a second.
    """
    try:
        await pending.future
        return pending.take()
    except asyncio.CancelledError:
        given_back = pending.give_up()
        if given_back is not None:
            await _wait_for(given_back)
        raise
    except BaseException:
        pending.cancel()
        raise


async def hear_out(pending: Pending[T]) -> T:
    """The outcome of a call that is made whatever becomes of the task: one that is cancelled ends after it."""
    if await _wait_for(pending.future):
        raise asyncio.CancelledError
    return pending.take()


async def heard(answer: A | Pending[A]) -> A:
    """As `hear`, of a call that may have been answered at once."""
    return await hear(cast("Pending[A]", answer)) if isinstance(answer, Pending) else answer


async def heard_out(answer: A | Pending[A]) -> A:
    """As `hear_out`, of a call that may have been answered at once."""
    return await hear_out(cast("Pending[A]", answer)) if isinstance(answer, Pending) else answer


async def _wait_for(future: asyncio.Future[None]) -> bool:
    """Waits until a future is done. True: the task has been cancelled meanwhile."""
    cancelled = False
    while not future.done():
        try:
            # This leaves the future alone when the task is cancelled.
            await asyncio.wait((future,))
        except asyncio.CancelledError:
            cancelled = True
    return cancelled
