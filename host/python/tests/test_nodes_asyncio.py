"""Workflow nodes, for asyncio, and both faces on a real Redis."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tidegate import CircuitOpenError, InputError, Limit, ManualClock, Queue, Redis, Tidegate, aio, nodes

from .conftest import RedisServer
from .node_configs import CIRCUIT, LIMITER, QUEUE, circuit

CONTEXT = {"userId": 1}
# Long enough for a busy machine; no test waits for it to pass.
LIMIT_MS = 10_000


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def gate(clock: ManualClock) -> aio.Tidegate:
    return aio.Tidegate(clock=clock)


@pytest.fixture
def redis(redis_url: str) -> Redis:
    return Redis(redis_url, prefix=f"test-{uuid.uuid4()}", timeout_ms=LIMIT_MS)


@pytest.fixture
async def shared(redis: Redis) -> AsyncIterator[aio.Tidegate]:
    async with aio.Tidegate(redis) as gate:
        yield gate


async def fail() -> str:
    message = "down"
    raise ConnectionError(message)


async def trip(gate: aio.Tidegate, config: dict[str, Any]) -> None:
    for _ in range(2):
        with pytest.raises(ConnectionError):
            await gate.with_circuit_breaker(config, {}, fail)


async def until_waiting(gate: aio.Tidegate, node: aio.RateLimiterNode, waiting: int) -> None:
    """Returns when this many wait for user 1. A rate limiter of the node's name sees the same queue."""
    limiter = gate.rate_limiter(node.subject(CONTEXT).name, limit=Limit.per_minute(1), on_limit=Queue(1, 120_000))
    while (await limiter.peek("1")).waiting != waiting:
        await asyncio.sleep(0)


async def test_a_call_waits_its_turn(gate: aio.Tidegate, clock: ManualClock) -> None:
    node = gate.rate_limiter_node({**QUEUE, "outputVariable": "rate"})
    assert (await node.execute(CONTEXT)).result.passed
    task = asyncio.create_task(gate.execute_rate_limiter_node({**QUEUE, "outputVariable": "rate"}, CONTEXT))
    await until_waiting(gate, node, 1)
    # In steps: one who comes back sleeps on from the time it is then.
    while not task.done():
        clock.advance_ms(1_000)
        await asyncio.sleep(0)
    output = task.result()
    assert output.context == {"userId": 1, "rate": output.passage.result.to_dict()}
    assert output.context["rate"]["queuePosition"] == 1
    assert output.passage.result.wait_time >= 60_000


@pytest.mark.parametrize("on_redis", [False, True], ids=["memory", "redis"])
async def test_a_cancelled_task_leaves_the_queue(gate: aio.Tidegate, shared: aio.Tidegate, on_redis: bool) -> None:
    gate = shared if on_redis else gate
    node = gate.rate_limiter_node(QUEUE)
    assert (await node.execute(CONTEXT)).result.passed
    task = asyncio.create_task(node.execute(CONTEXT))
    await until_waiting(gate, node, 1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await until_waiting(gate, node, 0)


async def test_a_cancelled_step_gives_back_what_it_took(redis_server: RedisServer, shared: aio.Tidegate) -> None:
    node = shared.rate_limiter_node({**LIMITER, "limit": 50, "window": "day"})
    assert (await node.execute(CONTEXT)).result.passed
    with redis_server.held_up():
        tasks = [asyncio.create_task(node.begin(CONTEXT)) for _ in range(40)]
        await asyncio.sleep(0)
        for task in tasks:
            task.cancel()
        ends = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(end, asyncio.CancelledError) for end in ends)
    while (seen := (await node.execute(CONTEXT))).result.current_count != 2:
        assert seen.token is not None
        assert await node.abandon(CONTEXT, seen.token)


async def test_a_missing_key_is_an_error_that_names_it(gate: aio.Tidegate) -> None:
    for ask in (gate.rate_limiter_node(QUEUE).execute, gate.rate_limiter_node(QUEUE).begin):
        with pytest.raises(InputError, match=r"context\.userId"):
            await ask({})


async def test_steps_come_back_through_the_other_face_with_a_token(redis: Redis, shared: aio.Tidegate) -> None:
    with Tidegate(redis) as there:
        node = shared.rate_limiter_node(QUEUE)
        assert (await node.begin(CONTEXT)).done
        step = await node.begin(CONTEXT)
        assert not step.done
        assert step.token is not None
        again = there.rate_limiter_node(QUEUE).step(CONTEXT, step.token)
        assert not again.done
        assert again.token is not None
        assert there.rate_limiter_node(QUEUE).abandon(CONTEXT, again.token)
        assert not await node.abandon(CONTEXT, again.token)


async def test_both_faces_share_a_limit_and_a_circuit_on_redis(redis: Redis, shared: aio.Tidegate) -> None:
    with Tidegate(redis) as there:
        config = {**LIMITER, "limit": 50, "window": "day"}
        node = shared.rate_limiter_node(config)
        passages = await asyncio.gather(*(node.execute(CONTEXT) for _ in range(40)))
        passages += [there.rate_limiter_node(config).execute(CONTEXT) for _ in range(40)]
        assert sum(passage.result.passed for passage in passages) == 50
        await trip(shared, CIRCUIT)
        with pytest.raises(CircuitOpenError):
            there.with_circuit_breaker(CIRCUIT, {}, lambda: "never")


@pytest.mark.parametrize("on_redis", [False, True], ids=["memory", "redis"])
async def test_fallbacks(gate: aio.Tidegate, shared: aio.Tidegate, on_redis: bool) -> None:
    gate = shared if on_redis else gate
    await trip(gate, CIRCUIT)

    async def never() -> str:
        return "never"

    with pytest.raises(CircuitOpenError):
        await gate.with_circuit_breaker(CIRCUIT, {}, never)
    with pytest.raises(CircuitOpenError):
        await gate.execute_circuit_breaker_node(CIRCUIT, {})
    guarded = await gate.with_circuit_breaker(circuit(fallbackAction="default", fallbackValue="later"), {}, never)
    assert (guarded.result, guarded.circuit_result.fallback_used) == ("later", True)
    skipped = await gate.with_circuit_breaker(circuit(fallbackAction="skip"), {}, never)
    assert (skipped.result, skipped.has_result) == (None, False)
    output = await gate.execute_circuit_breaker_node(circuit(fallbackAction="skip"), {"it": 1})
    assert json.loads(json.dumps(output.context))["lastFailure"].endswith("Z")


async def test_outcomes_by_token_and_without(gate: aio.Tidegate, clock: ManualClock) -> None:
    node = gate.circuit_breaker_node(CIRCUIT)
    tokens = [(await node.admit()).token for _ in range(2)]
    await node.cancelled(tokens[0])
    await node.failed(ConnectionError(), tokens[1])
    opened = await gate.record_circuit_failure("payments", CIRCUIT, ConnectionError())
    assert opened.result.circuit_state == "open"
    clock.advance_ms(20_000)
    assert (await node.status()).result.allowed
    await gate.execute_circuit_breaker_node(CIRCUIT, {})
    assert (await gate.record_circuit_success("payments", CIRCUIT)).result.circuit_state == "closed"


async def test_a_task_that_is_cancelled_in_an_operation_gives_the_admission_back(
    gate: aio.Tidegate, clock: ManualClock
) -> None:
    await trip(gate, CIRCUIT)
    clock.advance_ms(20_000)
    node, entered = gate.circuit_breaker_node(CIRCUIT), asyncio.Event()

    async def hang() -> None:
        entered.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(node.call(hang))
    await entered.wait()
    assert (await node.status()).report.probes == 1
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    while (await node.status()).report.probes != 0:
        await asyncio.sleep(0)
    assert (await node.status()).result.circuit_state == "half-open"


async def test_the_time_of_a_charge_is_enough_to_give_permits_back(gate: aio.Tidegate) -> None:
    limiter = gate.rate_limiter({"name": "api", "limits": [{"limit": 1, "window": "minute"}]})
    decision = await limiter.try_acquire("me")
    assert (await limiter.refund("me", charged_at_us=decision.charged_at_us)).remaining == 1


def test_both_faces_have_the_same_functions() -> None:
    assert nodes.__all__ == aio.nodes.__all__
