from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, TypeVar
from uuid import uuid4

import pytest
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment
from tidegate import Decision
from tidegate.aio import RateLimiter

from orders.model import Order
from orders.payments import PaymentApiDown

from .conftest import Stage

R = TypeVar("R")

ONE_IN_300_MS = {"limits": [{"limit": 1, "window": "millisecond", "windowCount": 300}]}


def order_of(merchant: str = "m") -> Order:
    """An order of its own."""
    return Order(orderId=str(uuid4()), merchantId=merchant, amountCents=1_999, priority=0)


async def run(activity: Callable[..., Awaitable[R]], *args: Any) -> R:
    """Runs an activity in an environment of its own, as a worker would."""
    return await ActivityEnvironment().run(activity, *args)


async def failure_of(activity: Callable[..., Awaitable[Any]], *args: Any) -> ApplicationError:
    """The failure that an activity ends in."""
    with pytest.raises(ApplicationError) as raised:
        await run(activity, *args)
    return raised.value


async def until(limiter: RateLimiter, holds: Callable[[Decision], bool]) -> None:
    """Looks until something holds for the key of all orders here."""

    async def look() -> None:
        while not holds(await limiter.peek("m")):
            pass

    await asyncio.wait_for(look(), 10)


async def test_goes_while_there_is_room_and_is_then_told_how_long_to_wait_and_with_what_to_come_back(
    stage: Stage,
) -> None:
    worker = stage.worker()
    first = await run(worker.admit, order_of(), None)
    assert first["go"] and first["held"]["chargedAtUs"] > 0
    second = await run(worker.admit, order_of(), None)
    assert not second["go"] and second["held"]["ticket"] > 0
    assert second["waitMs"] > 30_000


async def test_lets_a_ticket_go_on_another_worker_when_its_time_has_come(stage: Stage) -> None:
    name = str(uuid4())
    here, there = stage.worker(ONE_IN_300_MS, name=name), stage.worker(ONE_IN_300_MS, name=name)
    await run(here.admit, order_of(), None)
    order = order_of()
    step = await run(here.admit, order, None)
    assert not step["go"]
    while not step["go"]:
        await asyncio.sleep(step["waitMs"] / 1_000)
        step = await run(there.admit, order, step["held"])
    assert step["held"]["chargedAtUs"] > 0


async def test_goes_with_the_place_it_has_reserved_without_a_second_permit(stage: Stage) -> None:
    worker = stage.worker({"onLimit": {"behavior": "delay", "maxWaitMs": 120_000}})
    await run(worker.admit, order_of(), None)
    reserved = await run(worker.admit, order_of(), None)
    assert not reserved["go"] and reserved["held"]["chargedAtUs"] > 0
    counted = (await worker.limiter.peek("m")).count
    step = await run(worker.admit, order_of(), reserved["held"])
    assert step == {"go": True, "waitMs": 0, "held": reserved["held"]}
    assert (await worker.limiter.peek("m")).count == counted


async def test_leaves_the_queue_when_a_waiting_workflow_is_cancelled_and_gives_its_ticket_back(stage: Stage) -> None:
    worker = stage.worker()
    await run(worker.admit, order_of(), None)
    order = order_of()
    step = await run(worker.admit, order, None)
    assert (await worker.limiter.peek("m")).waiting == 1
    await run(worker.give_back, order, step["held"])
    assert (await worker.limiter.peek("m")).waiting == 0


async def test_gives_a_permit_back_that_was_not_used(stage: Stage) -> None:
    worker = stage.worker()
    order = order_of()
    step = await run(worker.admit, order, None)
    assert (await worker.limiter.peek("m")).remaining == 0
    await run(worker.give_back, order, step["held"])
    assert (await worker.limiter.peek("m")).remaining == 1


async def test_an_activity_that_is_cancelled_while_it_waits_leaves_the_queue(stage: Stage) -> None:
    worker = stage.worker()
    await run(worker.admit, order_of(), None)
    environment, heartbeats = ActivityEnvironment(), []
    environment.on_heartbeat = lambda *details: heartbeats.append(details)
    order = order_of()
    waiting = asyncio.ensure_future(environment.run(worker.admit_and_charge, order))
    await until(worker.limiter, lambda decision: decision.waiting == 1)
    assert heartbeats
    environment.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await until(worker.limiter, lambda decision: decision.waiting == 0)
    assert order["orderId"] not in stage.payments.asked


async def test_waits_in_the_activity_and_then_charges(stage: Stage) -> None:
    worker = stage.worker(ONE_IN_300_MS)
    await run(worker.admit, order_of(), None)
    order = order_of()
    assert await run(worker.admit_and_charge, order) == {"paymentId": f"payment-of-{order['orderId']}"}


async def test_a_full_queue_is_a_failure_to_be_tried_again_when_the_limiter_says_so(stage: Stage) -> None:
    worker = stage.worker({"onLimit": {"behavior": "queue", "maxSize": 1, "timeoutMs": 60_000}})
    await run(worker.admit, order_of(), None)
    await run(worker.admit, order_of(), None)
    failure = await failure_of(worker.admit, order_of(), None)
    assert failure.type == "RateLimited" and not failure.non_retryable
    assert failure.next_retry_delay is not None and failure.next_retry_delay > timedelta(seconds=30)
    assert failure.details == ({"retryAfterMs": failure.next_retry_delay / timedelta(milliseconds=1)},)


async def test_a_waiter_whose_time_is_over_is_a_failure_that_is_not_tried_again(stage: Stage) -> None:
    worker = stage.worker({"onLimit": {"behavior": "queue", "maxSize": 10, "timeoutMs": 1, "graceMs": 1}})
    await run(worker.admit, order_of(), None)
    order = order_of()
    step = await run(worker.admit, order, None)
    await asyncio.sleep(0.005)
    failure = await failure_of(worker.admit, order, step["held"])
    assert failure.type == "QueueTimeout" and failure.non_retryable


async def test_an_open_circuit_fails_fast_on_every_worker_to_be_tried_again_when_its_time_is_over(
    stage: Stage,
) -> None:
    name = str(uuid4())
    here, there = stage.worker(name=name), stage.worker(name=name)
    stage.payments.status = 503
    for _ in range(2):
        with pytest.raises(PaymentApiDown):
            await run(here.charge, order_of())
    stage.payments.status = 200
    order = order_of()
    failure = await failure_of(there.charge, order)
    assert failure.type == "CircuitOpen" and not failure.non_retryable
    assert failure.next_retry_delay is not None
    assert timedelta(seconds=15) < failure.next_retry_delay <= timedelta(seconds=20)
    assert failure.details == ({"retryAfterMs": failure.next_retry_delay / timedelta(milliseconds=1)},)
    assert order["orderId"] not in stage.payments.asked


async def test_a_rejected_payment_is_final_and_does_not_count_against_the_circuit(stage: Stage) -> None:
    worker = stage.worker()
    stage.payments.status = 402
    for _ in range(5):
        failure = await failure_of(worker.charge, order_of())
        assert failure.type == "PaymentRejected" and failure.non_retryable
    stage.payments.status = 200
    order = order_of()
    assert await run(worker.charge, order) == {"paymentId": f"payment-of-{order['orderId']}"}
