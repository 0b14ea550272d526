"""The bridges of asyncio loops, one for each."""

from __future__ import annotations

import asyncio
import weakref

from tidegate._tidegate import Bridge

_bridges: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Bridge] = weakref.WeakKeyDictionary()


def bridge_of(loop: asyncio.AbstractEventLoop) -> Bridge:
    """The bridge of a loop that runs in this thread. The loop watches it until it is closed."""
    bridge = _bridges.get(loop)
    if bridge is None:
        bridge = Bridge()
        bridge.watch(loop)
        _bridges[loop] = bridge
    return bridge
