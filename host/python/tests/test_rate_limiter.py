"""Rate limiters, for threads, on the memory store and a virtual clock."""

from __future__ import annotations

import asyncio
import pickle
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from tidegate import (
    ConfigError,
    CostNeverFitsError,
    Decision,
    Delay,
    FixedWindow,
    Gcra,
    Limit,
    ManualClock,
    Memory,
    Queue,
    RateLimiter,
    RateLimitError,
    SlidingLog,
    SlidingWindowCounter,
    Tidegate,
    TokenBucket,
    aio,
)


def until(condition: Callable[[], bool]) -> None:
    """Returns when another thread has made it so."""
    while not condition():
        pass


def test_admits_up_to_the_limit_and_again_after_the_window() -> None:
    clock = ManualClock()
    limiter = Tidegate(clock=clock).rate_limiter("api", limit=Limit.per_second(2))
    assert [bool(limiter.try_acquire("me")) for _ in range(3)] == [True, True, False]
    assert limiter.try_acquire("you").is_allowed
    clock.advance_ms(1_000)
    assert limiter.try_acquire("me")


def test_a_denial_says_why_and_when_to_come_back() -> None:
    clock = ManualClock()
    limiter = Tidegate(clock=clock).rate_limiter("api", limit=Limit.per_second(1).by(SlidingLog()))
    limiter.try_acquire("me")
    decision = limiter.try_acquire("me")
    assert (decision.verdict, decision.reason, decision.retry_after_ms) == ("denied", "limit", 1_000)
    clock.advance_ms(decision.retry_after_ms)
    assert limiter.try_acquire("me")


def test_acquire_raises_the_denial() -> None:
    limiter = Tidegate(clock=ManualClock()).rate_limiter("api", limit=Limit.per_minute(1))
    assert limiter.acquire("me").waited_ms == 0
    with pytest.raises(RateLimitError, match="rate limiter 'api' denied the call") as caught:
        limiter.acquire("me")
    assert caught.value.limiter == "api"
    assert caught.value.retry_after_ms == caught.value.decision.retry_after_ms > 0


def test_a_cost_that_never_fits_is_another_error() -> None:
    limiter = Tidegate().rate_limiter("api", limit=Limit.per_minute(3))
    with pytest.raises(CostNeverFitsError, match="a cost of 4 can never fit") as caught:
        limiter.try_acquire("me", cost=4)
    assert (caught.value.limiter, caught.value.cost) == ("api", 4)
    assert (caught.value.binding, caught.value.limit, caught.value.count, caught.value.remaining) == (0, 3, 0, 3)
    told = "a cost of 4 can never fit in limits[0] of rate limiter 'api', which admits 3 at once; 0 count now"
    assert str(caught.value) == str(pickle.loads(pickle.dumps(caught.value))) == told


def test_what_was_used_is_charged_beyond_the_limit_and_later_calls_wait_for_it() -> None:
    clock = ManualClock()
    limiter = Tidegate(clock=clock).rate_limiter("api", limit=Limit(2, "second", algorithm=Gcra()))
    charged = limiter.charge("me", 5)
    assert (charged.verdict, charged.count, charged.remaining, charged.retry_after_ms) == ("allowed", 5, 0, 2_000)
    clock.advance_ms(1_999)
    assert not limiter.try_acquire("me")
    clock.advance_ms(1)
    assert limiter.try_acquire("me")


def test_what_was_used_is_charged_through_asyncio_too() -> None:
    async def use() -> None:
        limiter = aio.Tidegate(clock=ManualClock()).rate_limiter("api", limit=Limit.per_second(2))
        assert (await limiter.charge("me", 5)).is_allowed
        assert not await limiter.try_acquire("me")

    asyncio.run(use())


def test_a_refund_of_a_bucket_goes_by_what_it_lacked_before() -> None:
    clock = ManualClock()
    limiter = Tidegate(clock=clock).rate_limiter("api", limit=Limit(60_000, "minute", algorithm=Gcra()))
    limiter.try_acquire("me", cost=6_000)
    decision = limiter.try_acquire("me", cost=600)
    assert decision.full_at_us == decision.at_us + 6_000_000
    clock.advance_ms(1_000)
    charged_at_us, full_at_us = decision.charged_at_us, decision.full_at_us
    assert limiter.refund("me", charged_at_us=charged_at_us, full_at_us=full_at_us, cost=600).count == 5_000


def test_a_limit_of_nothing_denies_every_call() -> None:
    limiter = Tidegate().rate_limiter("none", limit=Limit.per_second(0))
    denied = limiter.try_acquire("me", cost=3)
    assert (denied.verdict, denied.reason, denied.limit, denied.retry_after_ms) == ("denied", "limit", 0, 0)


def test_a_refund_gives_permits_back_and_a_peek_charges_none() -> None:
    limiter = Tidegate(clock=ManualClock()).rate_limiter("api", limit=Limit.per_minute(3))
    decision = limiter.try_acquire("me", cost=3)
    assert limiter.peek("me").remaining == 0
    assert limiter.refund("me", decision, cost=3).remaining == 3
    limiter.try_acquire("me", cost=2)
    limiter.reset("me")
    assert limiter.peek("me").remaining == 3


@pytest.mark.parametrize("algorithm", [Gcra(burst=2), TokenBucket(), FixedWindow(), SlidingWindowCounter()])
def test_each_algorithm_is_understood(algorithm: Gcra | TokenBucket | FixedWindow | SlidingWindowCounter) -> None:
    limiter = Tidegate().rate_limiter("api", limit=Limit.per(3, timedelta(minutes=1)).by(algorithm))
    assert limiter.config["limits"][0]["algorithm"]["name"] == algorithm.name
    assert limiter.try_acquire("me")


def test_several_limits_are_charged_all_or_none() -> None:
    limits = [Limit.per_second(10), Limit.per_hour(2)]
    limiter = Tidegate(clock=ManualClock()).rate_limiter("api", limits=limits)
    assert [bool(limiter.try_acquire("me")) for _ in range(3)] == [True, True, False]
    assert limiter.peek("me").binding == 1


def test_gates_share_a_memory() -> None:
    memory, clock = Memory(), ManualClock()
    for expected in (True, False):
        limiter = Tidegate(memory, clock).rate_limiter("api", limit=Limit.per_minute(1))
        assert limiter.try_acquire("me").is_allowed is expected


def test_settings_in_python_and_in_json_are_the_same() -> None:
    gate = Tidegate()
    here = gate.rate_limiter(
        "api", limit=Limit(10, "minute", 5), on_limit=Queue(5, timedelta(seconds=1)), when_away="open"
    )
    there = gate.rate_limiter(
        {
            "name": "api",
            "limits": [{"limit": 10, "window": "minute", "windowCount": 5}],
            "onLimit": {"behavior": "queue", "maxSize": 5, "timeoutMs": 1000},
            "whenAway": "open",
        }
    )
    assert here.config == there.config
    assert here.config["onLimit"] == {"behavior": "queue", "maxSize": 5, "timeoutMs": 1000}


WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({"name": "api", "limits": [{"limit": 0, "window": "second", "windowCount": 0}]}, "limits[0].window", "0 second"),
    ({"name": "api", "limits": [{"limit": "ten", "window": "second"}]}, "limits[0].limit", "ten"),
    ({"name": "api", "limits": [{"limit": 1, "window": "century"}]}, "limits[0].window", "century"),
    ({"name": "api", "limits": [], "limit": 1}, "limit", "left out: the fields here are name, limits"),
    ({"name": "api", "limits": [{"limit": object(), "window": "second"}]}, "limits[0].limit", "object object"),
    ({"name": "api", "limits": [{"limit": float("nan"), "window": "second"}]}, "limits[0].limit", "nan"),
    ({"name": "api", "limits": 3}, "limits", "3, must be a list"),
]


@pytest.mark.parametrize(("config", "path", "value"), WRONG)
def test_a_wrong_setting_is_named_with_its_path_and_value(config: dict[str, Any], path: str, value: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Tidegate().rate_limiter(config)
    assert [problem.path for problem in caught.value.problems] == [path]
    assert value in str(caught.value)


def test_all_problems_are_reported_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        Tidegate().rate_limiter("api", limits=[Limit(1, "second", 0), Limit(1, "day", 1_000)])
    assert len(caught.value.problems) == 2
    assert caught.value.name == "api"


def test_settings_are_not_mixed_with_a_mapping() -> None:
    gate: Any = Tidegate()
    with pytest.raises(TypeError, match="limit must be in the mapping"):
        gate.rate_limiter({"name": "api", "limits": []}, limit=Limit.per_second(1))


def test_arguments_of_another_type_are_refused() -> None:
    limiter: Any = Tidegate().rate_limiter("api", limit=Limit.per_second(1))
    with pytest.raises(ConfigError, match="key is 7, must be a text"):
        limiter.try_acquire(7)
    with pytest.raises(ConfigError, match="cost is '1', must be a whole number"):
        limiter.try_acquire("me", cost="1")
    with pytest.raises(ConfigError, match="cost is -1, must be a whole number"):
        limiter.try_acquire("me", cost=-1)


def queued() -> tuple[ManualClock, RateLimiter]:
    clock = ManualClock()
    limiter = Tidegate(clock=clock).rate_limiter("api", limit=Limit.per_second(1), on_limit=Queue(9, 86_400_000))
    limiter.acquire("me")
    return clock, limiter


def test_others_run_while_one_waits_in_the_queue() -> None:
    clock, limiter = queued()
    waited: list[int] = []
    thread = threading.Thread(target=lambda: waited.append(limiter.acquire("me").waited_ms))
    thread.start()
    until(lambda: limiter.peek("me").waiting == 1)
    # In steps: it may be between its place in the queue and its sleep.
    while thread.is_alive():
        clock.advance_ms(10)
    thread.join()
    assert waited[0] >= 1_000


def test_durable_steps_wait_outside_and_come_back_with_a_ticket() -> None:
    clock, limiter = queued()
    first = limiter.decide("me")
    assert (first.verdict, first.position, first.waiting) == ("wait", 1, 1)
    clock.advance_ms(first.wait_ms)
    # The decision may have been in a workflow's history meanwhile.
    ticket = Decision.from_dict(first.to_dict()).ticket
    assert limiter.decide("me", ticket).is_allowed


def test_a_waiter_can_be_taken_out_of_the_queue() -> None:
    _, limiter = queued()
    ticket = limiter.decide("me").ticket
    assert ticket is not None
    assert limiter.cancel("me", ticket)
    assert not limiter.cancel("me", ticket)
    assert limiter.peek("me").waiting == 0


def test_a_delayed_call_has_its_place_reserved() -> None:
    limiter = Tidegate(clock=ManualClock()).rate_limiter("api", limit=Limit.per_second(1), on_limit=Delay(5_000))
    limiter.acquire("me")
    decision = limiter.decide("me")
    assert (decision.verdict, decision.ticket) == ("wait", None)
    assert decision.charged_at_us is not None


def test_functions_and_blocks_take_permits() -> None:
    limiter = Tidegate(clock=ManualClock()).rate_limiter("api", limit=Limit.per_minute(1))

    def key(user: str, **_: object) -> str:
        return user

    @limiter.limit(key)
    def greet(user: str, note: str = "") -> str:
        """Greets."""
        return f"hello {user}{note}"

    assert (greet("ann"), greet("bob", note="!")) == ("hello ann", "hello bob!")
    assert greet.__doc__ == "Greets."
    with pytest.raises(RateLimitError):
        greet("ann")
    with limiter.permit("block") as admission:
        assert admission.decision.remaining == 0
    fixed = limiter.wrap(len, "fixed")
    assert fixed("four") == 4
    with pytest.raises(RateLimitError):
        fixed("four")


def test_answers_compare_print_and_travel() -> None:
    limiter = Tidegate(clock=ManualClock()).rate_limiter("api", limit=Limit.per_minute(1))
    decision = limiter.try_acquire("me")
    assert repr(decision).startswith("Decision(verdict='allowed', reason='none', at_us=1767268800000000, ")
    assert pickle.loads(pickle.dumps(decision)) == decision
    assert decision != limiter.try_acquire("me")
    with pytest.raises(AttributeError):
        decision.limit = 5  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
    with pytest.raises(RateLimitError) as caught:
        limiter.acquire("me")
    copy = pickle.loads(pickle.dumps(caught.value))
    assert (str(copy), copy.decision) == (str(caught.value), caught.value.decision)
    with pytest.raises(ValueError, match=r"maybe.* is none of allowed, wait, denied"):
        Decision.from_dict({**decision.to_dict(), "verdict": "maybe"})


def test_a_gate_counts() -> None:
    with Tidegate() as gate:
        gate.rate_limiter("api", limit=Limit.per_minute(1)).try_acquire("me")
        stats = gate.stats()
    assert stats.instances >= 1
    assert stats.to_dict()["traps"] == 0


def test_a_component_that_is_none_is_refused(tmp_path: Any) -> None:
    from tidegate import LoadError

    other = tmp_path / "other.wasm"
    other.write_bytes(b"not a component")
    with pytest.raises(LoadError):
        Tidegate(component_file=str(other))
