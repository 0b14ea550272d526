"""Workflow nodes, for threads, on a clock that stands still."""

from __future__ import annotations

import _thread
import json
import pickle
import threading
import uuid
from datetime import datetime, timezone
from decimal import Decimal
from typing import Any

import pytest

from tidegate import (
    CircuitOpenError,
    ConfigError,
    InputError,
    Limit,
    ManualClock,
    Queue,
    RateLimiterNode,
    RateLimiterResult,
    Tidegate,
    aio,
    nodes,
)

from .node_configs import CIRCUIT, LIMITER, QUEUE, circuit, fail


class Opaque:
    """Nothing that JSON knows."""


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def gate(clock: ManualClock) -> Tidegate:
    return Tidegate(clock=clock)


def until_waiting(gate: Tidegate, node: RateLimiterNode) -> None:
    """Returns when somebody waits for user 1. A rate limiter of the node's name sees the same queue."""
    limiter = gate.rate_limiter(node.subject({"userId": 1}).name, limit=Limit.per_minute(1), on_limit=Queue(1, 120_000))
    while limiter.peek("1").waiting != 1:
        pass


def test_a_result_has_the_names_of_the_json(gate: Tidegate) -> None:
    result = gate.rate_limiter_node(LIMITER).execute({"userId": 42}).result
    assert (result.passed, result.queued, result.wait_time, result.current_count, result.limit) == (
        True,
        False,
        0,
        1,
        1,
    )
    assert result.queue_position is None
    assert result.reset_in >= 60_000
    assert list(result.to_dict()) == ["passed", "queued", "waitTime", "currentCount", "limit", "resetIn"]
    assert RateLimiterResult.from_dict(result.to_dict()) == result
    assert pickle.loads(pickle.dumps(result)) == result


def test_a_call_over_the_limit_is_a_result_and_not_an_error(gate: Tidegate) -> None:
    node = gate.rate_limiter_node(LIMITER)
    node.execute({"userId": 42})
    passage = node.execute({"userId": "42"})
    assert not passage.result.passed
    assert passage.token is None
    assert node.execute({"userId": 43}).result.passed


@pytest.mark.parametrize("context", [{}, {"userId": None}, {"userId": ""}, {"userId": 1.5}, {"userId": Opaque()}])
def test_a_key_that_is_none_is_an_error_that_names_it(gate: Tidegate, context: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=r"context\.userId") as caught:
        gate.rate_limiter_node(LIMITER).execute(context)
    assert [problem.path for problem in caught.value.problems] == ["context.userId"]
    assert caught.value.node == "rate-limiter"
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


@pytest.mark.parametrize(
    ("value", "key"),
    [
        (10**40, str(10**40)),
        (Decimal("7"), "7"),
        (uuid.UUID(int=3), "00000000-0000-0000-0000-000000000003"),
        ("müller", "müller"),
    ],
)
def test_keys_are_exact(gate: Tidegate, value: object, key: str) -> None:
    assert gate.rate_limiter_node(LIMITER).subject({"userId": value}).key == key


def test_a_dotted_path_leads_past_what_json_does_not_know(gate: Tidegate) -> None:
    node = gate.rate_limiter_node(
        {**LIMITER, "keyType": "custom", "customKeyField": "order.lines[0].sku", "priorityField": "order.rank"}
    )
    lines: list[Any] = [{"sku": "A-17", "at": datetime.now(timezone.utc), "price": float("nan"), 3: Opaque()}]
    lines.append(lines)
    order = {"lines": lines, "rank": 5, "total": Decimal("1E+400000"), "huge": 10**5_000}
    assert node.reads() == ["order"]
    subject = node.subject({"order": order, "other": Opaque()})
    assert (subject.key, subject.priority) == ("A-17", 5)


def test_the_context_passes_through_unharmed_in_a_new_dict(gate: Tidegate) -> None:
    opaque, when = Opaque(), datetime(2026, 1, 1, tzinfo=timezone.utc)
    context = {"total": Decimal("0.10"), "userId": 1, "limit": "mine", "big": 2**80, "at": when, "it": opaque}
    before = dict(context)
    output = gate.execute_rate_limiter_node(LIMITER, context)
    assert context == before
    assert list(output.context) == [*context, "passed", "queued", "waitTime", "currentCount", "resetIn"]
    assert output.context["limit"] == 1
    assert all(output.context[name] is value for name, value in context.items() if name != "limit")


def test_with_an_output_variable_the_result_goes_under_its_name(gate: Tidegate) -> None:
    output = gate.execute_rate_limiter_node({**LIMITER, "outputVariable": "rate"}, {"rate": 0, "userId": 1})
    assert list(output.context) == ["rate", "userId"]
    assert output.context["rate"] == output.passage.result.to_dict()


def test_json_text_passes_through_byte_for_byte(gate: Tidegate) -> None:
    node = gate.rate_limiter_node(json.dumps({**LIMITER, "outputVariable": "rate"}))
    text = '{"userId" : "42", "total": 12345678901234567890.10}'
    result = node.execute(text).result
    merged = node.output(text, result)
    assert merged.startswith(text[:-1] + ',"rate":{"passed":true,"queued":false,"waitTime":0,')
    assert json.loads(merged)["rate"] == result.to_dict()
    with pytest.raises(InputError, match="context"):
        node.output("[]", result)


def test_a_wrong_configuration_has_all_its_problems(gate: Tidegate) -> None:
    with pytest.raises(ConfigError) as caught:
        gate.rate_limiter_node({**LIMITER, "limit": -1, "window": "year"})
    assert [problem.path for problem in caught.value.problems] == ["limit", "window"]
    with pytest.raises(ConfigError, match="fallbackValue"):
        gate.circuit_breaker_node(circuit(fallbackAction="default"))
    with pytest.raises(ConfigError):
        gate.circuit_breaker_node("no JSON")


def test_steps_wait_outside_and_come_back_with_a_token(gate: Tidegate, clock: ManualClock) -> None:
    node, context = gate.rate_limiter_node(QUEUE), {"userId": 1}
    assert node.begin(context).done
    step = node.begin(context)
    assert not step.done
    assert step.result is None
    assert step.token is not None
    assert step.wait_ms >= 60_000
    clock.advance_ms(step.wait_ms)
    end = gate.rate_limiter_node(dict(QUEUE)).step(context, step.token)
    assert end.done
    assert end.result is not None
    assert end.wait_ms == 0
    assert (end.result.passed, end.result.queued, end.result.queue_position) == (True, True, 1)
    assert end.result.wait_time == step.wait_ms


def test_a_token_gives_back_what_it_holds(gate: Tidegate) -> None:
    node, context = gate.rate_limiter_node(QUEUE), {"userId": 1}
    permit = node.execute(context).token
    waiting = node.begin(context)
    full = node.begin(context)
    assert full.done
    assert full.result is not None
    assert not full.result.passed
    assert waiting.token is not None
    assert node.abandon(context, waiting.token)
    assert not node.abandon(context, waiting.token)
    assert permit is not None
    assert node.abandon(context, permit)
    assert node.begin(context).done


def test_an_unknown_token_is_an_error_that_names_it(gate: Tidegate) -> None:
    with pytest.raises(InputError) as caught:
        gate.rate_limiter_node(QUEUE).step({"userId": 1}, "made up")
    assert [problem.path for problem in caught.value.problems] == ["token"]
    with pytest.raises(InputError, match="token"):
        gate.circuit_breaker_node(CIRCUIT).succeeded("made up")


def test_a_call_in_a_thread_waits_its_turn(gate: Tidegate, clock: ManualClock) -> None:
    node, context = gate.rate_limiter_node(QUEUE), {"userId": 1}
    node.execute(context)
    passed: list[RateLimiterResult] = []
    thread = threading.Thread(target=lambda: passed.append(node.execute(context).result))
    thread.start()
    until_waiting(gate, node)
    # In steps: one who comes back sleeps on from the time it is then.
    while thread.is_alive():
        clock.advance_ms(1_000)
        thread.join(0)
    assert (passed[0].passed, passed[0].queued) == (True, True)
    assert passed[0].wait_time >= 60_000


def test_ctrl_c_ends_a_wait_and_leaves_the_queue(gate: Tidegate) -> None:
    node, context = gate.rate_limiter_node(QUEUE), {"userId": 1}
    node.execute(context)

    def interrupt() -> None:
        until_waiting(gate, node)
        _thread.interrupt_main()

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        node.execute(context)
    thread.join()
    assert not node.begin(context).done


def test_the_registry_describes_both_nodes(gate: Tidegate) -> None:
    registry = gate.node_registry()
    assert [node["type"] for node in registry] == ["rate-limiter", "circuit-breaker"]
    assert all(node["isEnterprise"] and node["configSchema"]["type"] == "object" for node in registry)
    assert aio.Tidegate().node_registry() == registry == nodes.node_registry()


def test_more_configurations_than_are_kept_open_go_on_working(gate: Tidegate) -> None:
    def ask(user: int) -> bool:
        config = {**LIMITER, "outputVariable": f"rate{user}"}
        return gate.execute_rate_limiter_node(config, {"userId": user}).passage.result.passed

    assert all(ask(user) for user in range(300))
    assert not any(ask(user) for user in range(300))


async def test_the_functions_share_a_default_gate_with_those_of_asyncio() -> None:
    config = circuit(circuitId=str(uuid.uuid4()), failureThreshold=1)
    with pytest.raises(ConnectionError):
        nodes.with_circuit_breaker(config, {}, fail)
    with pytest.raises(CircuitOpenError):
        await aio.nodes.execute_circuit_breaker_node(config, {})
    context = {"userId": str(uuid.uuid4())}
    assert nodes.execute_rate_limiter_node(LIMITER, context).passage.result.passed
    assert not (await aio.nodes.execute_rate_limiter_node(LIMITER, context)).passage.result.passed


def test_another_default_gate_can_be_set(gate: Tidegate) -> None:
    before = nodes.default_gate()
    nodes.set_default_gate(gate)
    try:
        nodes.execute_circuit_breaker_node(CIRCUIT, {})
        nodes.record_circuit_failure("payments", CIRCUIT, ConnectionError())
        assert gate.circuit_breaker_node(CIRCUIT).status().result.failure_count == 1
        assert nodes.record_circuit_success("payments", CIRCUIT).result.circuit_state == "closed"
    finally:
        nodes.set_default_gate(before)


def test_the_time_of_a_charge_is_enough_to_give_permits_back(gate: Tidegate) -> None:
    limiter = gate.rate_limiter("api", limit=Limit.per_minute(1))
    decision = limiter.try_acquire("me")
    assert not limiter.try_acquire("me")
    assert limiter.refund("me", charged_at_us=decision.charged_at_us).remaining == 1
    assert limiter.try_acquire("me")
    with pytest.raises(TypeError, match="either"):
        limiter.refund("me")
