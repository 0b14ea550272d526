"""What counts as what of a call through a circuit, for asyncio."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncGenerator, AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from tidegate import (
    CallTimeoutError,
    CircuitOpenError,
    Limit,
    ManualClock,
    MisuseError,
    Queue,
    RateLimitError,
    SampleCalls,
    SlowRate,
    Tidegate,
    Trip,
    aio,
    http_failure,
    remaining_s,
)

from .node_configs import circuit


def opened(consecutive: int = 1, **settings: Any) -> tuple[ManualClock, aio.CircuitBreaker]:
    clock = ManualClock()
    return clock, aio.Tidegate(clock=clock).circuit_breaker("payments", consecutive=consecutive, **settings)


async def fail(error: BaseException) -> None:
    raise error


async def hang() -> None:
    await asyncio.Event().wait()


async def half_open() -> tuple[ManualClock, aio.CircuitBreaker]:
    clock, breaker = opened(open_ms=1_000)
    with pytest.raises(ValueError, match="opens"):
        await breaker.call(fail, ValueError("opens it"))
    clock.advance_ms(1_000)
    return clock, breaker


# Time limits.


async def test_a_time_limit_stops_a_hanging_call_and_counts() -> None:
    _, breaker = opened(2)
    stopped: list[str] = []

    @breaker(timeout_ms=5)
    async def fetch() -> None:
        try:
            await hang()
        except asyncio.CancelledError:
            stopped.append("stopped")
            raise

    for _ in range(2):
        with pytest.raises(CallTimeoutError, match="'payments' took longer than 5 ms"):
            await fetch()
    assert stopped == ["stopped"] * 2
    assert (await breaker.status()).state == "open"
    assert issubclass(CallTimeoutError, TimeoutError)


async def test_blocks_calls_and_nodes_take_a_time_limit() -> None:
    gate = aio.Tidegate(clock=ManualClock())
    breaker = gate.circuit_breaker("payments", consecutive=1, timeout_ms=timedelta(milliseconds=5))
    with pytest.raises(CallTimeoutError):
        async with breaker.permit():
            await hang()
    with pytest.raises(CallTimeoutError):
        await breaker.keyed("other").call(hang)
    with pytest.raises(CallTimeoutError):
        await gate.with_circuit_breaker(circuit(circuitId="node", failureThreshold=1), {}, hang, timeout_ms=5)
    states = [(await each.status()).state for each in (breaker, breaker.keyed("other"))]
    assert [*states, (await gate.circuit_breaker_node(circuit(circuitId="node")).status()).result.circuit_state] == [
        "open"
    ] * 3


async def test_a_time_limit_that_is_not_met_leaves_the_task_alone() -> None:
    _, breaker = opened(timeout_ms=60_000)
    assert await breaker.call(asyncio.sleep, 0, "done") == "done"
    task = asyncio.current_task()
    assert task is not None
    assert getattr(task, "cancelling", int)() == 0


async def test_a_caller_that_cancels_is_no_failure_whatever_the_time_limit() -> None:
    _, breaker = opened(timeout_ms=60_000)
    task = asyncio.create_task(breaker.call(hang))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (await breaker.status()).state == "closed"


async def test_a_reply_that_came_too_late_is_a_failure_and_reaches_its_caller() -> None:
    _, breaker = opened(timeout_ms=5)

    async def stubborn() -> str:
        try:
            await hang()
        except asyncio.CancelledError:
            return "late"
        raise AssertionError

    assert await breaker.call(stubborn) == "late"
    assert (await breaker.status()).state == "open"


async def test_a_function_is_told_how_long_it_has() -> None:
    _, breaker = opened(timeout_ms=2_000)

    async def told() -> float | None:
        return remaining_s()

    assert await breaker.call(told) == 2.0
    assert await told() is None


async def test_a_timeout_that_the_operation_raises_is_a_failure() -> None:
    _, breaker = opened()
    with pytest.raises(asyncio.TimeoutError):
        await breaker.call(asyncio.wait_for, hang(), 0.005)
    assert (await breaker.status()).state == "open"


# Refusals, results, calls inside calls.


async def test_refusals_of_policies_inside_are_no_failures_unless_they_are_to_be() -> None:
    gate = aio.Tidegate(clock=ManualClock())
    limiter = gate.rate_limiter("api", limit=Limit.per_minute(1))
    outer = gate.circuit_breaker("outer", consecutive=1)
    await limiter.acquire("me")
    with pytest.raises(RateLimitError):
        await outer.call(limiter.acquire, "me")
    assert (await outer.status()).state == "closed"
    with pytest.raises(RateLimitError):
        await outer(count_refusals=True).call(limiter.acquire, "me")
    assert (await outer.status()).state == "open"


async def test_a_reply_can_be_a_failure() -> None:
    class Reply:
        status = 503

    async def fetch() -> Reply:
        return Reply()

    gate = aio.Tidegate(clock=ManualClock())
    breaker = gate.circuit_breaker("a", consecutive=1, failure_if=http_failure)
    assert (await breaker.call(fetch)).status == 503
    assert (await breaker.status()).state == "open"
    guarded = await gate.with_circuit_breaker(circuit(failureThreshold=1), {}, fetch, failure_if=http_failure)
    assert guarded.circuit_result.circuit_state == "open"


async def test_a_call_inside_one_of_the_same_circuit_goes_with_its_permit() -> None:
    _, breaker = await half_open()

    @breaker
    async def get() -> int:
        return 1

    @breaker
    async def get_all() -> list[int]:
        return list(await asyncio.gather(get(), get()))

    assert await get_all() == [1, 1]
    assert (await breaker.status()).state == "closed"


async def test_a_task_that_a_call_has_left_behind_asks_for_itself() -> None:
    _, breaker = opened()
    go = asyncio.Event()

    @breaker
    async def later() -> str:
        return "let through"

    async def wait_and_call() -> str:
        await go.wait()
        return await later()

    async def leave_behind() -> list[asyncio.Task[str]]:
        return [asyncio.create_task(wait_and_call())]

    (task,) = await breaker.call(leave_behind)
    await breaker.set_mode("forced-open")
    go.set()
    with pytest.raises(CircuitOpenError):
        await task


# Work that happens later.


async def test_an_async_generator_is_guarded_to_its_end() -> None:
    _, breaker = opened(2)

    @breaker
    async def rows(down: bool) -> AsyncGenerator[int, str]:
        assert (yield 1) == "sent"
        if down:
            raise ConnectionError("down")

    assert inspect.isasyncgenfunction(rows)
    for down, error in ((True, ConnectionError), (True, ConnectionError)):
        items = rows(down)
        assert await anext(items) == 1
        with pytest.raises(error):
            await items.asend("sent")
    assert (await breaker.status()).state == "open"
    await breaker.reset()
    items = rows(False)
    assert await anext(items) == 1
    with pytest.raises(StopAsyncIteration):
        await items.asend("sent")


async def test_an_async_iterator_that_is_returned_is_guarded_to_its_end() -> None:
    _, breaker = opened()

    async def numbers() -> AsyncIterator[int]:
        yield 1
        raise ConnectionError("down")

    async def fetch() -> AsyncIterator[int]:
        return numbers()

    ways: list[Any] = [fetch, lambda: numbers()]
    for get in ways:
        items: AsyncIterator[int] = await breaker.call(get)
        assert await anext(items) == 1
        assert (await breaker.status()).state == "closed"
        with pytest.raises(ConnectionError):
            await anext(items)
        assert (await breaker.status()).state == "open"
        await breaker.reset()


async def test_a_stream_that_hangs_meets_its_time_limit() -> None:
    _, breaker = opened(timeout_ms=5)

    @breaker
    async def rows() -> AsyncIterator[int]:
        yield 1
        await hang()

    with pytest.raises(CallTimeoutError):
        async for _ in rows():
            pass
    assert (await breaker.status()).state == "open"


async def test_one_who_reads_no_further_keeps_no_place() -> None:
    _, breaker = await half_open()

    @breaker
    async def rows() -> AsyncGenerator[int, None]:
        yield 1
        yield 2

    items = rows()
    assert await anext(items) == 1
    assert (await breaker.status()).probes == 1
    await items.aclose()
    report = await breaker.status()
    assert (report.state, report.probes) == ("half-open", 0)


async def test_one_who_stops_early_has_given_the_call_up_unless_it_was_slow() -> None:
    clock = ManualClock()
    rules = Trip(slow_rate=SlowRate(100, slower_than_ms=1_000), sample=SampleCalls(10), minimum_calls=10)
    breaker = aio.Tidegate(clock=clock).circuit_breaker("slow", trip=rules)

    @breaker
    async def rows(own_ms: int) -> AsyncGenerator[int, None]:
        try:
            clock.advance_ms(own_ms)
            yield 1
        finally:
            # Cleaning up is no time of the call's.
            clock.advance_ms(60_000)

    async def left(own_ms: int) -> tuple[int, int, int]:
        items = rows(own_ms)
        assert await anext(items) == 1
        clock.advance_ms(60_000)
        await items.aclose()
        report = await breaker.status()
        return report.calls, report.slow, report.failed

    assert await left(999) == (0, 0, 0)
    assert (await left(1_000))[1:] == (1, 0)


async def test_a_gate_for_threads_guards_coroutine_functions_as_what_they_are() -> None:
    breaker = Tidegate(clock=ManualClock()).circuit_breaker("payments", consecutive=2)

    @breaker
    async def fetch() -> None:
        raise ConnectionError("down")

    @breaker
    async def rows() -> AsyncIterator[int]:
        yield 1

    for call in (fetch, lambda: breaker.call(fetch)):
        with pytest.raises(ConnectionError):
            await call()
    assert breaker.status().state == "open"
    with pytest.raises(CircuitOpenError):
        async for _ in rows():
            pass
    breaker.reset()
    with pytest.raises(CallTimeoutError):
        await breaker(timeout_ms=5).wrap(hang)()


async def test_a_limiter_for_threads_on_a_coroutine_function_blocks_no_loop() -> None:
    clock = ManualClock()
    gate = Tidegate(clock=clock)
    limiter = gate.rate_limiter("api", limit=Limit.per_second(1), on_limit=Queue(9, 60_000, grace_ms=60_000))
    limiter.acquire("me")

    @limiter.limit("me")
    async def call() -> str:
        return "went"

    task = asyncio.create_task(call())
    while limiter.peek("me").waiting == 0:
        await asyncio.sleep(0)
    while not task.done():
        clock.advance_ms(10)
        await asyncio.sleep(0)
    assert await task == "went"


# Mistakes of the caller.


async def test_mistakes_count_for_nothing() -> None:
    _, breaker = opened()
    limiter = aio.Tidegate(clock=ManualClock()).rate_limiter("api", limit=Limit.per_minute(1))
    nothing: Any = None
    plain: Any = int
    limit: Any = limiter.limit("me")

    def generator() -> Any:
        yield 1

    with pytest.raises(MisuseError, match="None cannot be called"):
        await breaker.call(nothing)
    with pytest.raises(MisuseError, match="None cannot be called"):
        breaker.wrap(nothing)
    with pytest.raises(MisuseError, match=r"int returned int.*tidegate\.Tidegate"):
        await breaker.call(plain)
    with pytest.raises(MisuseError, match=r"int returned int.*tidegate\.Tidegate"):
        await limit(plain)()
    wraps: list[Any] = [breaker, breaker.wrap, limit]
    for wrap in wraps:
        with pytest.raises(MisuseError, match="is a generator function"):
            wrap(generator)
    with pytest.raises(MisuseError, match="int returned int"):
        await aio.Tidegate().with_circuit_breaker(circuit(failureThreshold=1), {}, plain)
    assert (await breaker.status()).state == "closed"
    assert (await limiter.peek("me")).count == 0
