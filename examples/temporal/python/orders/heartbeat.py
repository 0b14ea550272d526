"""Heartbeats of an activity that waits: the server answers them with a cancellation."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from temporalio import activity

_EVERY_SECONDS = 5


@asynccontextmanager
async def heartbeats() -> AsyncIterator[None]:
    """A heartbeat now and every few seconds."""

    async def beat() -> None:
        while True:
            await asyncio.sleep(_EVERY_SECONDS)
            activity.heartbeat()

    activity.heartbeat()
    beating = asyncio.create_task(beat())
    try:
        yield
    finally:
        beating.cancel()
