"""Under trio: calls in a thread."""

from __future__ import annotations

import pytest
import trio

from tidegate import Limit, ManualClock, MisuseError, Queue, Tidegate, aio


def test_calls_in_a_thread_work_and_those_for_asyncio_say_why_they_do_not() -> None:
    limiter = Tidegate(clock=ManualClock()).rate_limiter("api", limit=Limit.per_day(1))
    queued = aio.Tidegate().rate_limiter("api", limit=Limit.per_day(1), on_limit=Queue(9, 86_400_000))

    async def main() -> None:
        decisions = [await trio.to_thread.run_sync(limiter.try_acquire, "me") for _ in range(2)]
        assert [decision.is_allowed for decision in decisions] == [True, False]
        await queued.acquire("me")
        with pytest.raises(MisuseError, match="no asyncio loop runs here"):
            await queued.acquire("me")

    trio.run(main)
