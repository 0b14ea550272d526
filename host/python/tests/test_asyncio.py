"""The face for asyncio, on the memory store."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

import tidegate
from tidegate import CircuitOpenError, Limit, ManualClock, MisuseError, Queue, RateLimitError, aio

DAY_MS = 86_400_000


def queued() -> tuple[ManualClock, aio.RateLimiter]:
    clock = ManualClock()
    gate = aio.Tidegate(clock=clock)
    return clock, gate.rate_limiter("api", limit=Limit.per_second(1), on_limit=Queue(9, DAY_MS, grace_ms=DAY_MS))


def test_both_faces_have_the_same_names() -> None:
    for name in aio.__all__:
        threads: type[object] = getattr(tidegate, name)
        tasks: type[object] = getattr(aio, name)
        special = {"__enter__": "__aenter__", "__exit__": "__aexit__"}
        names = {special.get(str(each), str(each)) for each in vars(threads)}
        assert names == set(vars(tasks)), name
        for method in ("try_acquire", "acquire", "decide", "refund", "failed", "permit", "limit", "__init__"):
            if hasattr(threads, method):
                ours, theirs = (inspect.signature(getattr(cls, method)).parameters for cls in (threads, tasks))
                assert list(ours) == list(theirs), method


async def test_decides_without_giving_the_loop_away() -> None:
    limiter = aio.Tidegate().rate_limiter("api", limit=Limit.per_minute(1))
    ran: list[bool] = []
    asyncio.get_running_loop().call_soon(ran.append, True)
    assert await limiter.try_acquire("me")
    assert not await limiter.try_acquire("me")
    assert not ran


async def test_waits_in_the_queue_in_order() -> None:
    clock, limiter = queued()
    await limiter.acquire("me")
    order: list[int] = []

    async def go(number: int, priority: int) -> None:
        await limiter.acquire("me", priority=priority)
        order.append(number)

    tasks: list[asyncio.Task[None]] = []
    for number, priority in enumerate([0, 0, 5]):
        tasks.append(asyncio.create_task(go(number, priority)))
        await until(limiter, number + 1)
    for gone in range(3):
        # In steps: one who comes back sleeps on from the time it is then.
        while len(order) == gone:
            clock.advance_ms(10)
            await asyncio.sleep(0)
    assert order == [2, 0, 1]


async def until(limiter: aio.RateLimiter, waiting: int) -> None:
    """Returns when this many are in the queue."""
    while (await limiter.peek("me")).waiting != waiting:
        await asyncio.sleep(0)


async def test_a_cancelled_task_leaves_the_queue() -> None:
    _, limiter = queued()
    await limiter.acquire("me")
    task = asyncio.create_task(limiter.acquire("me"))
    await until(limiter, 1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await until(limiter, 0)


async def test_a_timeout_leaves_the_queue() -> None:
    _, limiter = queued()
    await limiter.acquire("me")
    with pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(limiter.acquire("me"), 0)
    await until(limiter, 0)


async def test_one_who_is_cancelled_when_let_go_gives_the_permit_back() -> None:
    clock, limiter = queued()
    await limiter.acquire("me")
    task = asyncio.create_task(limiter.acquire("me"))
    await until(limiter, 1)
    clock.advance_ms(1_000)
    await until(limiter, 0)
    # Granted by now, and not yet heard of by the task.
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    while not (await limiter.peek("me")).remaining:
        await asyncio.sleep(0)


def test_a_loop_that_ends_takes_its_waiters_out_of_the_queue() -> None:
    _, limiter = queued()

    async def leave_one_behind() -> None:
        await limiter.acquire("me")
        task = asyncio.create_task(limiter.acquire("me"))
        await until(limiter, 1)
        assert not task.done()

    asyncio.run(leave_one_behind())
    asyncio.run(until(limiter, 0))


async def test_functions_and_blocks_are_guarded() -> None:
    clock = ManualClock()
    gate = aio.Tidegate(clock=clock)
    limiter = gate.rate_limiter("api", limit=Limit.per_minute(1))
    breaker = gate.circuit_breaker("payments", consecutive=1)

    @limiter.limit(str)
    async def greet(user: str) -> str:
        return f"hello {user}"

    assert await greet("ann") == "hello ann"
    with pytest.raises(RateLimitError):
        await greet("ann")
    async with limiter.permit("block") as admission:
        assert admission.decision.is_allowed

    @breaker
    async def pay(amount: int) -> str:
        if amount < 0:
            raise ValueError(amount)
        return f"paid {amount}"

    assert await pay(3) == "paid 3"
    assert await breaker.call(pay, 4) == "paid 4"
    with pytest.raises(ValueError, match="-1"):
        await pay(-1)
    with pytest.raises(CircuitOpenError):
        await pay(3)
    assert (await breaker.reset()).state == "closed"


async def test_a_cancelled_call_gives_its_probe_back() -> None:
    clock = ManualClock()
    breaker = aio.Tidegate(clock=clock).circuit_breaker("payments", consecutive=1, open_ms=1_000)
    report = await breaker.admit()
    assert report.permit is not None
    await breaker.failed(report.permit, RuntimeError("down"), elapsed_ms=1)
    clock.advance_ms(1_000)
    started = asyncio.Event()

    async def never() -> None:
        started.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(breaker.call(never))
    await started.wait()
    assert (await breaker.status()).probes == 1
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    while (await breaker.status()).probes:
        await asyncio.sleep(0)


def run_in(factory: Callable[[], asyncio.AbstractEventLoop], limiter: aio.RateLimiter) -> None:
    loop = factory()
    try:
        loop.run_until_complete(until(limiter, 0))
    finally:
        loop.close()


def test_one_gate_serves_loops_one_after_the_other() -> None:
    _, limiter = queued()
    for _ in range(3):
        run_in(asyncio.new_event_loop, limiter)


def test_without_a_loop_of_asyncio_a_call_that_would_wait_says_so_and_leaves_its_place() -> None:
    gate = aio.Tidegate(clock=ManualClock())
    limiter = gate.rate_limiter("api", limit=Limit.per_day(1), on_limit=Queue(9, 86_400_000))

    def outcome(call: Coroutine[Any, Any, Any]) -> Any:
        # As another library's loop does, such as trio's.
        with pytest.raises(StopIteration) as ended:
            call.send(None)
        return ended.value.value

    outcome(limiter.acquire("me"))
    with pytest.raises(MisuseError, match="no asyncio loop runs here"):
        limiter.acquire("me").send(None)
    assert outcome(limiter.peek("me")).waiting == 0
