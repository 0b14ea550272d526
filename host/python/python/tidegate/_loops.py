"""The bridges of asyncio loops, one for each, and how a task waits for a call."""

from __future__ import annotations

import asyncio
import weakref
from typing import TypeVar

from tidegate._tidegate import Bridge, Pending

T = TypeVar("T")

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
    """The outcome of a call under way. A task that is cancelled gives the call up."""
    try:
        await pending.future
        return pending.take()
    except BaseException:
        pending.cancel()
        raise
