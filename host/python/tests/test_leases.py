"""Leases, and many calls in one, on both faces."""

from __future__ import annotations

import asyncio
import uuid

import pytest

from tidegate import ConfigError, CostNeverFitsError, Decision, Lease, Limit, Memory, Queue, Redis, Tidegate, aio


def store(url: str) -> Redis:
    return Redis(url, prefix=f"test-{uuid.uuid4()}", timeout_ms=10_000)


def verdicts(answers: list[Decision | Exception]) -> list[str]:
    return [answer.verdict if isinstance(answer, Decision) else type(answer).__name__ for answer in answers]


def test_leased_permits_cost_no_round_trip_and_never_over_admit(redis_url: str) -> None:
    with Tidegate(store(redis_url)) as gate:
        limiter = gate.rate_limiter("api", limit=Limit.per_day(1_000), lease=Lease(100, 60_000))
        assert limiter.config["lease"] == {"maxPermits": 100, "lifeMs": 60_000}
        decisions = [limiter.try_acquire("me") for _ in range(1_100)]
        assert sum(decision.is_allowed for decision in decisions) == 1_000
        leased = sum(decision.leased for decision in decisions)
        stats = gate.stats()
        assert leased == stats.leased > 900
        assert stats.commits < 200
        assert any(decision.release_after_ms for decision in decisions)


def test_what_is_left_of_a_lease_comes_back_with_a_flush(redis_url: str) -> None:
    shared = store(redis_url)
    gate = Tidegate(shared)
    limiter = gate.rate_limiter("api", limit=Limit.per_day(1_000), lease=Lease(100, 60_000))
    for _ in range(20):
        limiter.try_acquire("me")
    gate.flush()
    there = Tidegate(shared).rate_limiter("api", limit=Limit.per_day(1_000), lease=Lease(100, 60_000))
    assert there.peek("me").count == 20
    assert gate.stats().released > 0


def test_a_lease_is_only_for_calls_that_may_be_denied() -> None:
    with pytest.raises(ConfigError, match="lease"):
        Tidegate().rate_limiter("api", limit=Limit.per_day(9), on_limit=Queue(9, 1_000), lease=Lease(4, 1_000))


def test_many_calls_are_answered_as_one_by_one() -> None:
    limiter = Tidegate(Memory()).rate_limiter("api", limit=Limit.per_day(3))
    answers = limiter.try_acquire_many(["a", ("b", 2), "a", ("b", 2), ("a", 4), "a", "a"])
    assert verdicts(answers) == ["allowed", "allowed", "allowed", "denied", "CostNeverFitsError", "allowed", "denied"]
    assert isinstance(answers[4], CostNeverFitsError)
    assert limiter.try_acquire_many([]) == []


async def test_tasks_ask_for_many_at_once(redis_url: str) -> None:
    gate = aio.Tidegate(store(redis_url))
    limiter = gate.rate_limiter("api", limit=Limit.per_day(3))
    assert verdicts(await limiter.try_acquire_many(["a", "b", "a", "a", "a"])) == ["allowed"] * 4 + ["denied"]
    here = aio.Tidegate().rate_limiter("api", limit=Limit.per_day(1))
    assert verdicts(await here.try_acquire_many(["a", "a"])) == ["allowed", "denied"]


async def test_a_task_that_is_cancelled_gives_back_all_it_asked_for(redis_url: str) -> None:
    limiter = aio.Tidegate(store(redis_url)).rate_limiter("api", limit=Limit.per_day(9))
    await limiter.peek("a")
    for turns in range(10):
        task = asyncio.create_task(limiter.try_acquire_many(["a", ("b", 2)]))
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        (end,) = await asyncio.gather(task, return_exceptions=True)
        heard = not isinstance(end, BaseException)
        while [(await limiter.peek(key)).count for key in "ab"] != [heard, 2 * heard]:
            pass
        await limiter.reset("a")
        await limiter.reset("b")
