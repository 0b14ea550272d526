"""What counts as what of a call through a circuit, for threads, on a clock that stands still."""

from __future__ import annotations

import logging
import os
from typing import Any

import pytest

from tidegate import (
    CallTimeoutError,
    CircuitBreaker,
    CircuitOpenError,
    ConfigError,
    ErrorPattern,
    Failure,
    Limit,
    ManualClock,
    RateLimitError,
    Tidegate,
    http_failure,
    remaining_s,
)

from .node_configs import circuit


def opened(consecutive: int = 2, **settings: Any) -> tuple[ManualClock, CircuitBreaker]:
    clock = ManualClock()
    return clock, Tidegate(clock=clock).circuit_breaker("payments", consecutive=consecutive, **settings)


def fail(error: BaseException) -> None:
    raise error


def half_open() -> tuple[ManualClock, CircuitBreaker]:
    clock, breaker = opened(1, open_ms=1_000)
    with pytest.raises(ValueError, match="opens"):
        breaker.call(fail, ValueError("opens it"))
    clock.advance_ms(1_000)
    return clock, breaker


# Errors that cannot be read.


class Lazy(Exception):
    @property
    def code(self) -> int:
        raise RuntimeError("the session is detached")


class Mute(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text")


@pytest.mark.parametrize(
    "error", [OSError(os.fsdecode(b"bad \xff byte")), Lazy(), Mute()], ids=["bytes", "code", "text"]
)
def test_an_error_that_cannot_be_read_reaches_its_caller_and_counts(error: Exception) -> None:
    _, breaker = half_open()
    with pytest.raises(type(error)) as caught:
        breaker.call(fail, error)
    assert caught.value is error
    report = breaker.status()
    assert (report.state, report.probes) == ("open", 0)


def missing(error: Any) -> Failure:
    return Failure(error.missing)


def none(_: object) -> None:
    return None


@pytest.mark.parametrize("failure_of", [missing, none])
def test_a_failure_of_that_fails_hides_no_error(failure_of: Any, caplog: pytest.LogCaptureFixture) -> None:
    _, breaker = opened(1, monitored=[ErrorPattern("ConnectionError", part="name")])
    with pytest.raises(ConnectionError, match="the real one"), breaker.permit(failure_of=failure_of):
        fail(ConnectionError("the real one"))
    assert breaker.status().state == "open"
    assert [record.levelno for record in caplog.records] == [logging.WARNING]


def test_failures_of_nodes_that_cannot_be_read_count_too() -> None:
    gate = Tidegate(clock=ManualClock())
    node = gate.circuit_breaker_node(circuit(failureThreshold=1))
    with pytest.raises(Lazy):
        node.call(lambda: fail(Lazy()))
    assert node.status().result.circuit_state == "open"


# What is known of an error.


def test_an_error_is_known_by_its_causes_and_its_base_classes() -> None:
    class UpstreamError(ConnectionError):
        status_code = 503

    def wrapped() -> None:
        try:
            fail(UpstreamError("down"))
        except UpstreamError as error:
            raise RuntimeError("no prices") from error

    with pytest.raises(RuntimeError) as caught:
        wrapped()
    failure = Failure.of(caught.value)
    assert (failure.name, failure.message, failure.code, failure.status) == ("RuntimeError", "no prices", "", "")
    assert failure.causes[0] == Failure("UpstreamError", "down", "503", "503")
    assert [each.name for each in Failure.of(UpstreamError()).causes] == ["ConnectionError", "OSError", "Exception"]


def test_a_context_is_a_cause_unless_it_is_suppressed() -> None:
    def wrapped(suppress: bool) -> list[str]:
        try:
            try:
                fail(KeyError("a"))
            except KeyError:
                if suppress:
                    raise ValueError("b") from None
                raise ValueError("b")  # noqa: B904 - it is what this is about.
        except ValueError as error:
            return [each.name for each in Failure.of(error).causes]
        raise AssertionError

    assert wrapped(suppress=False) == ["KeyError", "Exception"]
    assert wrapped(suppress=True) == ["Exception"]


def test_an_exception_group_is_known_by_its_members() -> None:
    class Group(Exception):
        """As of Python 3.11, and of the package for 3.10."""

        def __init__(self, exceptions: tuple[Exception, ...]) -> None:
            super().__init__("several")
            self.exceptions = exceptions

    group = Group((TimeoutError("slow"), ConnectionError("down")))
    assert [each.name for each in Failure.of(group).causes[:2]] == ["TimeoutError", "ConnectionError"]
    _, breaker = opened(1, monitored=[ConnectionError])
    with pytest.raises(Group):
        breaker.call(fail, group)
    assert breaker.status().state == "open"


def test_causes_that_go_round_come_to_an_end() -> None:
    one, other = ValueError("one"), ValueError("other")
    one.__cause__, other.__cause__ = other, one
    assert [each.message for each in Failure.of(one).causes[:1]] == ["other"]
    assert len(Failure.of(one).causes) < 16


def test_exception_classes_are_patterns_with_their_subclasses() -> None:
    _, breaker = opened(1, monitored=[OSError], ignored=[FileNotFoundError])
    for error in (ValueError("another"), FileNotFoundError("ignored")):
        with pytest.raises(type(error)):
            breaker.call(fail, error)
    assert breaker.status().state == "closed"
    with pytest.raises(ConnectionResetError):
        breaker.call(fail, ConnectionResetError("counts"))
    assert breaker.status().state == "open"


def mine(error: BaseException) -> Failure:
    return Failure("Mine", str(error))


def test_an_outcome_that_is_handed_in_is_read_by_the_rules_of_the_handle() -> None:
    _, breaker = opened(1, monitored=[OSError], failure_of=mine)
    for error, state in ((ValueError("x"), "closed"), (ConnectionResetError("x"), "open")):
        report = breaker.admit()
        assert report.permit is not None
        assert breaker.failed(report.permit, error, elapsed_ms=1).state == state


def test_classes_of_one_name_are_two() -> None:
    namesake = type("ConnectionError", (Exception,), {"__module__": "requests.exceptions"})
    _, breaker = opened(1, monitored=[namesake])
    with pytest.raises(ConnectionError):
        breaker.call(fail, ConnectionError("the built-in one"))
    assert breaker.status().state == "closed"
    with pytest.raises(namesake):
        breaker.call(fail, namesake())
    assert breaker.status().state == "open"


# Results.


class Reply:
    def __init__(self, status_code: int) -> None:
        self.status_code = status_code


@pytest.mark.parametrize(
    ("status", "state"), [(200, "closed"), (404, "closed"), (408, "open"), (429, "open"), (503, "open")]
)
def test_a_reply_can_be_a_failure(status: int, state: str) -> None:
    _, breaker = opened(1, failure_if=http_failure)
    assert breaker.call(lambda: Reply(status)).status_code == status
    assert breaker.status().state == state
    guarded = Tidegate().with_circuit_breaker(
        circuit(failureThreshold=1), {}, lambda: Reply(status), failure_if=http_failure
    )
    assert guarded.circuit_result.circuit_state == state


def test_a_predicate_says_which_results_are_failures_and_its_own_fault_is_none() -> None:
    _, breaker = opened(1)
    assert breaker(failure_if=lambda result: result.missing).call(lambda: 5) == 5
    assert breaker.status().state == "closed"
    assert breaker(failure_if=lambda result: result < 0).call(lambda: -1) == -1
    assert breaker.status().state == "open"


# Refusals, and calls inside calls.


def test_refusals_of_policies_inside_are_no_failures_unless_they_are_to_be() -> None:
    gate = Tidegate(clock=ManualClock())
    limiter = gate.rate_limiter("api", limit=Limit.per_minute(1))
    inner = gate.circuit_breaker("inner", consecutive=1)
    inner.set_mode("forced-open")
    outer = gate.circuit_breaker("outer", consecutive=1)
    limiter.acquire("me")
    for _ in range(2):
        with pytest.raises(RateLimitError):
            outer.call(limiter.acquire, "me")
        with pytest.raises(CircuitOpenError):
            outer.call(inner.call, lambda: 1)
    assert outer.status().state == "closed"
    with pytest.raises(RateLimitError):
        outer(count_refusals=True).call(limiter.acquire, "me")
    assert outer.status().state == "open"
    strict = gate.circuit_breaker({"name": "strict", "trip": {"consecutive": 1}, "countRefusals": True})
    with pytest.raises(RateLimitError):
        strict.call(limiter.acquire, "me")
    assert strict.status().state == "open"


def test_a_call_inside_one_of_the_same_circuit_goes_with_its_permit() -> None:
    _, breaker = half_open()

    @breaker
    def get() -> int:
        return 1

    @breaker
    def get_all() -> list[int]:
        with breaker.permit() as report:
            return [get(), report.probes]

    assert get_all() == [1, 1]
    assert breaker.status().state == "closed"
    assert breaker.keyed("other").call(get) == 1


def test_a_node_inside_a_breaker_of_the_same_circuit_goes_with_its_permit() -> None:
    clock = ManualClock()
    gate = Tidegate(clock=clock)
    config = circuit(failureThreshold=1, successThreshold=1, halfOpenTimeoutMs=1_000)
    node = gate.circuit_breaker_node(config)
    with pytest.raises(ValueError, match="opens"):
        node.call(lambda: fail(ValueError("opens it")))
    clock.advance_ms(1_000)
    inner = node.call(lambda: node.call(lambda: "ok")).result
    assert inner is not None
    assert (inner.result, inner.circuit_result.allowed) == ("ok", True)
    assert node.status().result.circuit_state == "closed"


# Time limits.


def test_a_function_in_a_thread_is_told_how_long_it_has() -> None:
    clock, breaker = opened(1, timeout_ms=2_000)
    assert remaining_s() is None

    def work() -> list[float | None]:
        told = [remaining_s()]
        clock.advance_ms(1_500)
        with breaker.keyed("other").permit(timeout_ms=5_000):
            told.append(remaining_s())
        return told

    assert breaker.call(work) == [2.0, 0.5]
    assert breaker.status().state == "closed"


def test_one_that_takes_longer_is_a_failure_and_gives_its_result() -> None:
    clock, breaker = opened(1, monitored=[CallTimeoutError])
    assert breaker(timeout_ms=1_000).call(lambda: clock.advance_ms(1_000)) is None
    assert breaker.status().state == "closed"

    @breaker(timeout_ms=1_000)
    def late() -> str:
        clock.advance_ms(1_001)
        return "paid"

    assert late() == "paid"
    assert breaker.status().state == "open"
    breaker.reset()
    with breaker.permit(timeout_ms=1_000):
        clock.advance_ms(2_000)
    assert breaker.status().state == "open"


def test_nodes_take_a_time_limit_too() -> None:
    clock = ManualClock()
    gate = Tidegate(clock=clock)
    guarded = gate.with_circuit_breaker(
        circuit(failureThreshold=1), {}, lambda: clock.advance_ms(2_000), timeout_ms=1_000
    )
    assert guarded.circuit_result.circuit_state == "open"


def test_a_timeout_that_the_operation_raises_is_a_failure() -> None:
    _, breaker = opened(1)
    with pytest.raises(TimeoutError):
        breaker.call(fail, TimeoutError("read"))
    assert breaker.status().state == "open"


@pytest.mark.parametrize("limit", [0, -1, float("nan"), "1s", 86_400_001])
def test_a_time_limit_that_is_none_is_refused(limit: Any) -> None:
    _, breaker = opened(1)
    with pytest.raises(ConfigError, match="timeout_ms is"):
        breaker(timeout_ms=limit)
