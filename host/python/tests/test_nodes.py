"""Workflow nodes, for threads, on a clock that stands still."""

from __future__ import annotations

import json
import os
import pickle
import signal
import subprocess
import sys
import threading
import uuid
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from tidegate import (
    CircuitOpenError,
    CircuitResult,
    ConfigError,
    Failure,
    Gcra,
    InputError,
    Limit,
    ManualClock,
    Memory,
    NodeStep,
    Queue,
    RateLimiterResult,
    Tidegate,
    aio,
    nodes,
)

LIMITER: dict[str, Any] = {"limit": 1, "window": "minute", "keyType": "per-user", "behavior": "reject"}
QUEUE: dict[str, Any] = {**LIMITER, "behavior": "queue", "maxQueueSize": 1, "queueTimeoutMs": 120_000}
CIRCUIT: dict[str, Any] = {
    "circuitId": "payments",
    "failureThreshold": 2,
    "failureWindowMs": 10_000,
    "successThreshold": 1,
    "halfOpenTimeoutMs": 20_000,
    "fallbackAction": "error",
    "monitoredErrors": "all",
}


class Opaque:
    """Nothing that JSON knows."""


def circuit(**settings: Any) -> dict[str, Any]:
    return {**CIRCUIT, **settings}


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def gate(clock: ManualClock) -> Tidegate:
    return Tidegate(clock=clock)


def fail() -> str:
    message = "down"
    raise ConnectionError(message)


def trip(gate: Tidegate, config: dict[str, Any]) -> None:
    for _ in range(2):
        with pytest.raises(ConnectionError):
            gate.with_circuit_breaker(config, {}, fail)


def test_a_result_has_the_names_of_the_json(gate: Tidegate) -> None:
    result = gate.rate_limiter_node(LIMITER).execute({"userId": 42}).result
    assert (result.passed, result.queued, result.wait_time, result.current_count, result.limit) == (
        True,
        False,
        0,
        1,
        1,
    )
    assert result.queue_position is None and result.reset_in >= 60_000
    assert list(result.to_dict()) == ["passed", "queued", "waitTime", "currentCount", "limit", "resetIn"]
    assert RateLimiterResult.from_dict(result.to_dict()) == result
    assert pickle.loads(pickle.dumps(result)) == result


def test_a_call_over_the_limit_is_a_result_and_not_an_error(gate: Tidegate) -> None:
    node = gate.rate_limiter_node(LIMITER)
    node.execute({"userId": 42})
    passage = node.execute({"userId": "42"})
    assert not passage.result.passed and passage.token is None
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
        gate.rate_limiter_node({**LIMITER, "limit": 0, "window": "year"})
    assert [problem.path for problem in caught.value.problems] == ["limit", "window"]
    with pytest.raises(ConfigError, match="fallbackValue"):
        gate.circuit_breaker_node(circuit(fallbackAction="default"))
    with pytest.raises(ConfigError):
        gate.circuit_breaker_node("no JSON")


def test_steps_wait_outside_and_come_back_with_a_token(gate: Tidegate, clock: ManualClock) -> None:
    node, context = gate.rate_limiter_node(QUEUE), {"userId": 1}
    assert node.begin(context).done
    step = node.begin(context)
    assert not step.done and step.result is None and step.token is not None and step.wait_ms >= 60_000
    clock.advance(timedelta(milliseconds=step.wait_ms))
    end = gate.rate_limiter_node(dict(QUEUE)).step(context, step.token)
    assert end.done and end.result is not None and end.wait_ms == 0
    assert (end.result.passed, end.result.queued, end.result.queue_position) == (True, True, 1)
    assert end.result.wait_time == step.wait_ms


def test_a_token_gives_back_what_it_holds(gate: Tidegate) -> None:
    node, context = gate.rate_limiter_node(QUEUE), {"userId": 1}
    permit = node.execute(context).token
    waiting = node.begin(context)
    full = node.begin(context)
    assert full.done and full.result is not None and not full.result.passed
    assert waiting.token is not None and node.abandon(context, waiting.token)
    assert not node.abandon(context, waiting.token)
    assert permit is not None and node.abandon(context, permit)
    assert node.begin(context) == NodeStep(True, 0, ANY_TEXT, node_result(node.begin(context), current_count=1))


def node_result(waiting: NodeStep, *, current_count: int) -> Any:
    """What equals the result of a call that passed, while another waits behind it."""
    assert not waiting.done

    class Passed:
        def __eq__(self, other: object) -> bool:
            return isinstance(other, RateLimiterResult) and other.passed and other.current_count == current_count

        __hash__ = None  # type: ignore[assignment]

    return Passed()


ANY_TEXT: Any = type("AnyText", (), {"__eq__": lambda _, other: isinstance(other, str), "__hash__": None})()
