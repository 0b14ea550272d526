"""Functions whose work happens later, for threads, and mistakes of the caller, on a clock that stands still."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tidegate import Limit, ManualClock, MisuseError, SampleCalls, SlowRate, Tidegate, Trip

from .node_configs import circuit
from .test_guarded_calls import fail, half_open, opened


def test_a_generator_is_guarded_to_its_end() -> None:
    clock, breaker = opened(2)

    @breaker
    def rows(end: BaseException | None) -> Generator[int, str, str]:
        assert (yield 1) == "sent"
        if end is not None:
            raise end
        return "end"

    def read(end: BaseException | None) -> str:
        items = rows(end)
        assert next(items) == 1
        clock.advance_ms(60_000)
        try:
            items.send("sent")
        except StopIteration as stop:
            return str(stop.value)
        raise AssertionError

    for _ in range(2):
        with pytest.raises(ConnectionError):
            read(ConnectionError("down"))
    assert breaker.status().state == "open"
    breaker.reset()
    assert read(None) == "end"


def test_time_between_items_is_not_the_calls() -> None:
    clock = ManualClock()
    rules = Trip(slow_rate=SlowRate(50, slower_than_ms=1_000), sample=SampleCalls(10), minimum_calls=1)
    breaker = Tidegate(clock=clock).circuit_breaker("slow", trip=rules)

    @breaker
    def rows(own_ms: int) -> Iterator[int]:
        yield 1
        clock.advance_ms(own_ms)

    for _ in rows(500):
        clock.advance_ms(60_000)
    assert breaker.status().state == "closed"
    list(rows(1_000))
    assert breaker.status().state == "open"


def test_an_iterator_that_is_returned_is_guarded_to_its_end() -> None:
    _, breaker = opened(1)
    items = breaker.call(lambda: map(fail, [ConnectionError("down")]))
    assert breaker.status().state == "closed"
    with pytest.raises(ConnectionError):
        list(items)
    assert breaker.status().state == "open"


def test_one_who_reads_no_further_keeps_no_place() -> None:
    for leave in ("close", "forget"):
        _, breaker = half_open()
        items = breaker.call(lambda: (number for number in range(9)))
        assert next(items) == 0
        assert breaker.status().probes == 1
        if leave == "close":
            items.close()
        del items
        while breaker.status().probes:
            time.sleep(0)
        assert breaker.status().state == "half-open"


def test_one_who_stops_early_has_given_the_call_up_which_is_no_success() -> None:
    _, breaker = opened(2)

    @breaker
    def rows() -> Generator[int, None, None]:
        yield from range(9)

    for items in (rows(), breaker.call(lambda: (number for number in range(9)))):
        breaker.reset()
        with pytest.raises(ConnectionError):
            breaker.call(fail, ConnectionError("down"))
        assert next(items) == 0
        items.close()
        assert breaker.status().state == "closed"
        # A success would have ended the row of failures.
        with pytest.raises(ConnectionError):
            breaker.call(fail, ConnectionError("down"))
        assert breaker.status().state == "open"


def test_one_who_stops_early_has_a_slow_call_counted_as_slow_and_no_other() -> None:
    clock = ManualClock()
    rules = Trip(slow_rate=SlowRate(100, slower_than_ms=1_000), sample=SampleCalls(10), minimum_calls=10)
    breaker = Tidegate(clock=clock).circuit_breaker("slow", trip=rules)

    def rows(own_ms: int) -> Generator[int, None, None]:
        try:
            clock.advance_ms(own_ms)
            yield 1
        finally:
            # Cleaning up is no time of the call's.
            clock.advance_ms(60_000)

    def left(own_ms: int) -> tuple[int, int, int]:
        items = breaker.call(rows, own_ms)
        assert next(items) == 1
        clock.advance_ms(60_000)
        items.close()
        report = breaker.status()
        return report.calls, report.slow, report.failed

    assert left(999) == (0, 0, 0)
    assert left(1_000)[1:] == (1, 0)


def test_an_error_thrown_into_a_generator_or_by_one_that_is_closed_is_a_failure() -> None:
    _, breaker = opened(2)

    @breaker
    def rows() -> Generator[int, None, None]:
        try:
            yield 1
        finally:
            raise ConnectionError("down")

    items = breaker.call(lambda: (number for number in range(9)))
    next(items)
    with pytest.raises(ConnectionError):
        items.throw(ConnectionError("down"))
    items = rows()
    next(items)
    with pytest.raises(ConnectionError):
        items.close()
    assert breaker.status().state == "open"


def test_a_future_is_guarded_until_it_is_done() -> None:
    _, breaker = opened(1)
    with ThreadPoolExecutor(1) as pool:
        future = breaker.call(pool.submit, fail, ConnectionError("down"))
    assert isinstance(future.exception(), ConnectionError)
    assert breaker.status().state == "open"


def test_methods_are_guarded_as_what_they_are() -> None:
    _, breaker = opened(1)

    class Client:
        @breaker
        def get(self, path: str) -> str:
            return self.base + path

        @breaker
        @staticmethod
        def rows() -> Iterator[int]:
            yield 1
            raise ConnectionError("down")

        base = "http://a.example"

    assert Client().get("/") == "http://a.example/"
    with pytest.raises(ConnectionError):
        list(Client.rows())
    assert breaker.status().state == "open"


# Mistakes of the caller.


async def coroutine() -> int:
    return 1


def test_mistakes_count_for_nothing() -> None:
    nothing: Any = None
    _, breaker = opened(1)
    limiter = Tidegate(clock=ManualClock()).rate_limiter("api", limit=Limit.per_minute(1))
    with pytest.raises(MisuseError, match="None cannot be called"):
        breaker.call(nothing)
    with pytest.raises(MisuseError, match="None cannot be called"):
        breaker(nothing)
    later: Any = lambda: coroutine()  # noqa: E731 - it is a plain function that returns a coroutine.
    with pytest.raises(MisuseError, match=r"returned coroutine.*tidegate\.aio"):
        breaker.call(later)
    with pytest.raises(MisuseError, match=r"returned coroutine.*tidegate\.aio"):
        limiter.limit("me")(later)()
    with pytest.raises(MisuseError, match=r"coroutine is for asyncio.*tidegate\.aio"):
        Tidegate().with_circuit_breaker(circuit(), {}, coroutine)
    assert breaker.status().state == "closed"
    assert limiter.peek("me").count == 0
