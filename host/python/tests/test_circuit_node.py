"""The circuit breaker node, for threads, on a clock that stands still."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from typing import Any

import pytest

from tidegate import CircuitOpenError, CircuitResult, ConfigError, Failure, ManualClock, Tidegate

from .node_configs import CIRCUIT, circuit, trip


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def gate(clock: ManualClock) -> Tidegate:
    return Tidegate(clock=clock)


def test_an_open_circuit_with_the_action_error_raises(gate: Tidegate, clock: ManualClock) -> None:
    node = gate.circuit_breaker_node(CIRCUIT)
    trip(gate, CIRCUIT)
    with pytest.raises(CircuitOpenError) as caught:
        gate.execute_circuit_breaker_node(CIRCUIT, {})
    assert (caught.value.circuit, caught.value.retry_after_ms) == ("payments", 20_000)
    with pytest.raises(CircuitOpenError):
        node.call(lambda: "never")
    result = node.admit().result
    assert (result.allowed, result.circuit_state, result.failed_fast, result.fallback_used) == (
        False,
        "open",
        True,
        False,
    )
    assert result.last_failure == datetime.fromtimestamp(clock.now_us / 1e6, timezone.utc)
    assert CircuitResult.from_dict(json.loads(json.dumps(result.to_dict()))) == result
    assert result.to_dict()["lastFailure"] == "2026-01-01T12:00:00.000Z"


def test_an_open_circuit_with_a_default_gives_its_value_anew(gate: Tidegate) -> None:
    config = circuit(fallbackAction="default", fallbackValue={"n": 2**70, "list": [1]})
    trip(gate, config)

    def answer() -> dict[str, Any]:
        return {"list": [0]}

    guarded = gate.with_circuit_breaker(config, {}, answer)
    assert guarded.has_result
    assert guarded.result is not None
    assert guarded.result == {"n": 2**70, "list": [1]}
    assert guarded.circuit_result.fallback_used
    guarded.result["list"].append(2)
    assert gate.circuit_breaker_node(config).fallback_value == {"n": 2**70, "list": [1]}


def test_an_open_circuit_that_skips_gives_no_result(gate: Tidegate) -> None:
    config = circuit(fallbackAction="skip", outputVariable="circuit")
    trip(gate, config)
    guarded = gate.with_circuit_breaker(config, {}, lambda: "never")
    assert (guarded.has_result, guarded.result) == (False, None)
    output = gate.execute_circuit_breaker_node(config, {"it": 1})
    assert list(output.context) == ["it", "circuit"]
    assert output.context["circuit"]["failedFast"] is True


def test_a_null_for_a_fallback_value_is_a_result(gate: Tidegate) -> None:
    config = circuit(fallbackAction="default", fallbackValue=None)
    trip(gate, config)
    guarded = gate.with_circuit_breaker(config, {}, lambda: "never")
    assert (guarded.has_result, guarded.result) == (True, None)


def test_a_probe_closes_the_circuit_again(gate: Tidegate, clock: ManualClock) -> None:
    trip(gate, CIRCUIT)
    clock.advance_ms(20_000)
    node = gate.circuit_breaker_node(CIRCUIT)
    assert node.status().result.allowed
    guarded = node.call(lambda: "paid")
    assert guarded.result == "paid"
    assert guarded.circuit_result.circuit_state == "closed"


def test_outcomes_without_a_token_count_in_the_state_of_now(gate: Tidegate, clock: ManualClock) -> None:
    gate.execute_circuit_breaker_node(CIRCUIT, {})
    gate.execute_circuit_breaker_node(CIRCUIT, {})
    gate.record_circuit_failure("payments", CIRCUIT, ConnectionError("down"))
    opened = gate.record_circuit_failure("payments", CIRCUIT, ConnectionError("down"))
    assert (opened.result.circuit_state, opened.result.failure_count) == ("open", 2)
    clock.advance_ms(20_000)
    assert gate.execute_circuit_breaker_node(CIRCUIT, {}).passage.result.circuit_state == "half-open"
    assert gate.record_circuit_success("payments", CIRCUIT).result.circuit_state == "closed"
    with pytest.raises(ConfigError, match="circuitId"):
        gate.record_circuit_success("orders", CIRCUIT)


def test_outcomes_can_come_with_the_token_of_their_admission(gate: Tidegate) -> None:
    node = gate.circuit_breaker_node(CIRCUIT)
    tokens = [node.admit().token for _ in range(3)]
    assert all(tokens)
    node.cancelled(tokens[0])
    assert node.failed(Failure("TimeoutError", "late"), tokens[1]).result.failure_count == 1
    assert node.failed(TimeoutError("late"), tokens[2]).result.circuit_state == "open"


def test_only_monitored_errors_count(gate: Tidegate) -> None:
    config = circuit(monitoredErrors=["ConnectionError"])
    node = gate.circuit_breaker_node(config)
    for _ in range(3):
        with pytest.raises(ZeroDivisionError):
            node.call(lambda: 1 // 0)
    assert node.status().result.failure_count == 0
    with pytest.raises(ZeroDivisionError):
        node.call(lambda: 1 // 0, failure_of=lambda _: Failure("ConnectionError"))
    assert node.status().result.failure_count == 1


def test_ctrl_c_in_an_operation_gives_the_admission_back(gate: Tidegate, clock: ManualClock) -> None:
    trip(gate, CIRCUIT)
    clock.advance_ms(20_000)
    node = gate.circuit_breaker_node(CIRCUIT)

    def interrupted() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        node.call(interrupted)
    assert node.status().report.probes == 0
    assert node.status().result.circuit_state == "half-open"


def test_nodes_share_state_with_circuit_breakers_of_the_same_name(gate: Tidegate) -> None:
    trip(gate, CIRCUIT)
    assert gate.circuit_breaker("payments", consecutive=1).status().state == "open"
