from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from orders.payments import PaymentApiDown

from .conftest import Stage
from .test_activities import failure_of, order_of, run

LIMITER: dict[str, Any] = {
    "limit": 1,
    "window": "minute",
    "keyType": "per-resource",
    "behavior": "queue",
    "maxQueueSize": 1,
    "queueTimeoutMs": 120_000,
    "outputVariable": "admission",
}


def circuit_of(fallback_action: str) -> dict[str, Any]:
    """A circuit of its own."""
    return {
        "circuitId": str(uuid4()),
        "failureThreshold": 2,
        "failureWindowMs": 10_000,
        "successThreshold": 1,
        "halfOpenTimeoutMs": 20_000,
        "fallbackAction": fallback_action,
        "monitoredErrors": ["PaymentApiDown"],
    }


def context_of() -> dict[str, Any]:
    """A context with a key of its own."""
    return {"resourceId": str(uuid4()), "order": order_of(), "note": "untouched"}


async def test_puts_the_nodes_result_beside_the_untouched_context_when_it_goes(stage: Stage) -> None:
    context = context_of()
    step = await run(stage.node_worker().rate_limiter_node, LIMITER, context, None)
    assert step["go"] and step["context"]["admission"]["passed"]
    assert {name: step["context"][name] for name in context} == context


async def test_is_told_how_long_to_wait_and_leaves_the_queue_with_its_token(stage: Stage) -> None:
    nodes, context = stage.node_worker(), context_of()
    await run(nodes.rate_limiter_node, LIMITER, context, None)
    waiting = await run(nodes.rate_limiter_node, LIMITER, context, None)
    assert not waiting["go"] and waiting["waitMs"] > 30_000
    full = await failure_of(nodes.rate_limiter_node, LIMITER, context, None)
    assert full.type == "RateLimited" and full.next_retry_delay is not None
    await run(nodes.leave_rate_limiter_node, LIMITER, context, waiting["held"])
    assert not (await run(nodes.rate_limiter_node, LIMITER, context, None))["go"]


async def test_names_the_key_that_the_context_has_not_and_does_not_try_again(stage: Stage) -> None:
    failure = await failure_of(stage.node_worker().rate_limiter_node, LIMITER, {}, None)
    assert failure.non_retryable and "resourceId" in str(failure)


async def test_an_open_circuit_of_a_node_fails_fast_to_be_tried_again_when_its_time_is_over(stage: Stage) -> None:
    nodes, config = stage.node_worker(), circuit_of("error")
    stage.payments.status = 503
    for _ in range(2):
        with pytest.raises(PaymentApiDown):
            await run(nodes.charge_node, config, context_of())
    stage.payments.status = 200
    failure = await failure_of(nodes.charge_node, config, context_of())
    assert failure.type == "CircuitOpen" and failure.next_retry_delay is not None
