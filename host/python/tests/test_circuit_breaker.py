"""Circuit breakers, for threads, on the memory store and a virtual clock."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

from tidegate import (
    Backoff,
    CircuitBreaker,
    CircuitOpenError,
    ConfigError,
    ErrorPattern,
    Failure,
    FailureCount,
    HalfOpen,
    ManualClock,
    SampleCalls,
    SlowRate,
    Tidegate,
    Trip,
)


class PaymentError(Exception):
    """What the guarded call fails with."""


def opened(consecutive: int = 2, **settings: Any) -> tuple[ManualClock, CircuitBreaker]:
    clock = ManualClock()
    return clock, Tidegate(clock=clock).circuit_breaker("payments", consecutive=consecutive, **settings)


def fail() -> None:
    raise PaymentError("declined")


def trip(breaker: CircuitBreaker, times: int = 2) -> None:
    for _ in range(times):
        with pytest.raises(PaymentError):
            breaker.call(fail)


def test_opens_after_failures_in_a_row_and_fails_fast() -> None:
    _, breaker = opened()
    trip(breaker)
    with pytest.raises(CircuitOpenError, match="circuit 'payments' is open") as caught:
        breaker.call(fail)
    assert caught.value.retry_after_ms == 30_000
    assert caught.value.report.effect == "refused-open"
    copy = pickle.loads(pickle.dumps(caught.value))
    assert copy.report == caught.value.report


def test_a_probe_closes_it_again() -> None:
    clock, breaker = opened(half_open=HalfOpen(probes=1, successes=1), open_ms=1_000)
    trip(breaker)
    clock.advance_ms(1_000)
    assert breaker.status().state == "half-open"
    assert breaker.call(lambda: "paid") == "paid"
    assert breaker.status().state == "closed"


def test_outcomes_are_handed_in_one_by_one() -> None:
    _, breaker = opened(consecutive=1)
    report = breaker.admit()
    assert report.is_admitted
    assert report.permit is not None
    report = breaker.failed(report.permit, Failure("TimeoutError", "too slow", "504"), elapsed_ms=12)
    assert (report.effect, report.state) == ("counted-failure", "open")
    assert report.event is not None
    assert (report.event.cause, report.event.before, report.event.after) == ("consecutive", "closed", "open")
    assert report.last_failure_us == 1_767_268_800_000_000
    assert type(report).from_dict(report.to_dict()) == report
    assert breaker.reset().state == "closed"


def test_ignored_errors_count_for_nothing() -> None:
    _, breaker = opened(consecutive=1, ignored=[ErrorPattern("Payment*", part="name")])
    trip(breaker)
    assert breaker.status().state == "closed"


def test_only_monitored_errors_count() -> None:
    class Refused(Exception):
        status = 503

    def refuse() -> None:
        raise Refused

    _, breaker = opened(consecutive=1, monitored=[ErrorPattern("503", part="code")])
    trip(breaker)
    with pytest.raises(Refused):
        breaker.call(refuse)
    assert breaker.status().state == "open"


def test_slow_calls_open_it() -> None:
    clock = ManualClock()
    rules = Trip(slow_rate=SlowRate(50, slower_than_ms=100), sample=SampleCalls(10), minimum_calls=2)
    breaker = Tidegate(clock=clock).circuit_breaker("slow", trip=rules, backoff=Backoff(2, cap_ms=60_000))
    for _ in range(2):
        with breaker.permit():
            clock.advance_ms(200)
    assert breaker.status().state == "open"


def test_an_interrupted_call_gives_its_permit_back() -> None:
    clock, breaker = opened(consecutive=1, open_ms=1_000)
    trip(breaker, 1)
    clock.advance_ms(1_000)
    with pytest.raises(KeyboardInterrupt), breaker.permit():
        assert breaker.status().probes == 1
        raise KeyboardInterrupt
    report = breaker.status()
    assert (report.state, report.probes) == ("half-open", 0)


def test_a_decorated_function_keeps_its_name_and_result() -> None:
    _, breaker = opened(consecutive=1)

    @breaker
    def pay(amount: int) -> str:
        """Pays."""
        if amount < 0:
            raise PaymentError
        return f"paid {amount}"

    assert (pay(5), pay.__name__, pay.__doc__) == ("paid 5", "pay", "Pays.")
    with pytest.raises(PaymentError):
        pay(-1)
    with pytest.raises(CircuitOpenError):
        pay(5)


def test_keys_have_circuits_of_their_own() -> None:
    _, breaker = opened(consecutive=1)
    trip(breaker.keyed("a"), 1)
    states = [breaker.keyed(key).status().state for key in ("a", "b")]
    assert states == ["open", "closed"]
    assert repr(breaker.keyed("a")) == "CircuitBreaker('payments', 'a')"


def test_an_operator_orders_a_mode() -> None:
    _, breaker = opened()
    assert breaker.set_mode("forced-open").effect == "ordered"
    assert breaker.admit().effect == "refused-forced"
    assert breaker.set_mode("normal").mode == "normal"
    mode: Any = "sideways"
    with pytest.raises(ValueError, match="sideways"):
        breaker.set_mode(mode)


def test_settings_in_python_and_in_json_are_the_same() -> None:
    gate = Tidegate()
    here = gate.circuit_breaker("p", trip=Trip(failures=FailureCount(3, within_ms=500)), open_ms=700)
    there = gate.circuit_breaker({"name": "p", "trip": {"failures": {"count": 3, "withinMs": 500}}, "openMs": 700})
    assert here.config == there.config


def test_wrong_settings_are_named() -> None:
    gate: Any = Tidegate()
    with pytest.raises(ConfigError, match="trip"):
        gate.circuit_breaker("p")
    with pytest.raises(ConfigError, match="openFor"):
        gate.circuit_breaker("p", consecutive=3, open_for=7)
    with pytest.raises(TypeError, match="one of the two"):
        gate.circuit_breaker("p", consecutive=3, trip=Trip(consecutive=3))


def test_a_failure_has_the_name_message_and_code_of_an_error() -> None:
    bases = tuple(Failure(name) for name in ("ConnectionError", "OSError", "Exception"))
    assert Failure.of(ConnectionRefusedError(111, "refused")) == Failure(
        "ConnectionRefusedError", "[Errno 111] refused", "111", causes=bases
    )

    class Mute(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    assert Failure.of(Mute()) == Failure("Mute", causes=(Failure("Exception"),))
