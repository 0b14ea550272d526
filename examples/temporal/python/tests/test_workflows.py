from __future__ import annotations

import pytest
from temporalio.workflow import NondeterminismError

from orders.model import Order

from .history import History
from .replay import Activity, Timer, replay

ORDER = Order(orderId="order-1", merchantId="m-1", amountCents=1_999, priority=3)
GO = {"go": True, "waitMs": 0, "held": {"chargedAtUs": 7}}
PAID = {"paymentId": "p-1"}


def wait(wait_ms: int, ticket: int) -> dict[str, object]:
    return {"go": False, "waitMs": wait_ms, "held": {"ticket": ticket}}


def receipt(turns: int, queued_ms: int) -> dict[str, object]:
    return {"paymentId": "p-1", "turns": turns, "queuedMs": queued_ms}


def order_history() -> History:
    return History("orderWorkflow", ORDER)


async def test_waits_by_a_durable_timer_of_the_time_it_was_told_and_comes_back_with_its_ticket() -> None:
    history = order_history().activity("admit", wait(1_234, 42)).timer(1_234).activity("admit", wait(5, 42)).timer(5)
    history.activity("admit", GO).activity("charge", PAID)
    assert await replay(history.completed(receipt(1, 1_239))) == [
        Activity("admit", [ORDER, None]),
        Timer(1_234),
        Activity("admit", [ORDER, {"ticket": 42}]),
        Timer(5),
        Activity("admit", [ORDER, {"ticket": 42}]),
        Activity("charge", [ORDER]),
    ]


async def test_goes_at_once_where_it_is_its_turn() -> None:
    history = order_history().activity("admit", GO).activity("charge", PAID)
    assert await replay(history.completed(receipt(1, 0))) == [
        Activity("admit", [ORDER, None]),
        Activity("charge", [ORDER]),
    ]


async def test_does_not_match_a_history_in_which_it_did_not_wait() -> None:
    history = order_history().activity("admit", wait(1_234, 42)).activity("charge", PAID)
    with pytest.raises(NondeterminismError):
        await replay(history.completed(receipt(1, 0)))


async def test_does_not_match_a_history_in_which_it_waited_for_nothing() -> None:
    with pytest.raises(NondeterminismError):
        await replay(order_history().activity("admit", GO).timer(1_234).completed(None))


async def test_does_not_match_a_history_in_which_it_called_without_a_permit() -> None:
    with pytest.raises(NondeterminismError):
        await replay(order_history().activity("charge", PAID).completed(receipt(1, 0)))


async def test_leaves_the_queue_when_it_is_cancelled_while_it_waits() -> None:
    history = order_history().activity("admit", wait(60_000, 42)).started_timer(60_000).cancelled_in_timer()
    asked = await replay(history.activity("giveBack", None).cancelled())
    assert asked[-1] == Activity("giveBack", [ORDER, {"ticket": 42}])


async def test_does_not_match_a_history_in_which_it_was_cancelled_and_kept_its_place() -> None:
    history = order_history().activity("admit", wait(60_000, 42)).started_timer(60_000).cancelled_in_timer()
    with pytest.raises(NondeterminismError):
        await replay(history.cancelled())


async def test_gives_the_permit_back_when_it_was_cancelled_while_a_step_took_it() -> None:
    history = order_history().cancelled_in_activity("admit", GO).activity("giveBack", None)
    assert await replay(history.cancelled()) == [
        Activity("admit", [ORDER, None]),
        Activity("giveBack", [ORDER, {"chargedAtUs": 7}]),
    ]


async def test_ends_cancelled_though_giving_back_failed() -> None:
    history = order_history().activity("admit", wait(60_000, 42)).started_timer(60_000).cancelled_in_timer()
    assert len(await replay(history.failed_activity("giveBack", "StoreError").cancelled())) == 3


async def test_leaves_the_waiting_to_one_activity_where_that_is_simpler() -> None:
    history = History("simpleOrderWorkflow", ORDER).activity("admitAndCharge", PAID).completed(PAID)
    assert await replay(history) == [Activity("admitAndCharge", [ORDER])]


async def test_waits_out_an_open_circuit_with_its_permit_given_back_and_takes_a_new_turn() -> None:
    history = order_history().activity("admit", GO).failed_activity("charge", "CircuitOpen", retry_after_ms=15_000)
    history.activity("giveBack", None).timer(15_000).activity("admit", GO).activity("charge", PAID)
    asked = await replay(history.completed(receipt(2, 0)))
    assert asked[2:4] == [Activity("giveBack", [ORDER, {"chargedAtUs": 7}]), Timer(15_000)]


async def test_takes_a_new_turn_after_a_failure_that_does_not_say_when_with_its_permit_used() -> None:
    history = order_history().activity("admit", GO).failed_activity("charge", "PaymentApiDown").timer(1_000)
    asked = await replay(history.activity("admit", GO).activity("charge", PAID).completed(receipt(2, 0)))
    assert asked[2] == Timer(1_000)


async def test_gives_up_where_a_payment_was_rejected() -> None:
    history = order_history().activity("admit", GO).failed_activity("charge", "PaymentRejected", non_retryable=True)
    assert len(await replay(history.failed())) == 2


async def test_waits_for_a_node_by_a_durable_timer_and_calls_with_the_context_that_has_its_result() -> None:
    limiter, circuit, context = {"limit": 1}, {"circuitId": "c"}, {"resourceId": "m-1"}
    passed = context | {"admission": {"passed": True}}
    history = History("nodeOrderWorkflow", {"rateLimiter": limiter, "circuitBreaker": circuit}, context)
    history.activity("rateLimiterNode", {"go": False, "waitMs": 321, "held": "token-1"}).timer(321)
    history.activity("rateLimiterNode", {"go": True, "waitMs": 0, "held": "token-2", "context": passed})
    assert await replay(history.activity("chargeNode", PAID).completed(receipt(1, 321))) == [
        Activity("rateLimiterNode", [limiter, context, None]),
        Timer(321),
        Activity("rateLimiterNode", [limiter, context, "token-1"]),
        Activity("chargeNode", [circuit, passed]),
    ]
