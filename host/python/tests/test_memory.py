"""The memory store when it is full."""

import queue

import pytest

from tidegate import ConfigError, Forgotten, Limit, ManualClock, Memory, StoreError, Tidegate


def test_a_flood_of_made_up_keys_is_served_and_displaces_nobody_who_counts_more() -> None:
    told: queue.Queue[Forgotten] = queue.Queue()
    memory = Memory(capacity=640, on_forgotten=told.put)
    gate = Tidegate(memory, clock=ManualClock())
    limiter = gate.rate_limiter("api", limit=Limit.per_minute(100))
    for number in range(100):
        assert limiter.try_acquire(f"regular {number}", cost=50)
    for number in range(5_000):
        assert limiter.try_acquire(f"made up {number}")
    assert {limiter.peek(f"regular {number}").count for number in range(100)} == {50}
    forgotten = memory.forgotten()
    assert forgotten.entities == forgotten.permits > 4_000
    assert gate.stats().forgotten == forgotten.entities
    assert told.get(timeout=10).entities == 1


def test_a_store_that_refuses_newcomers_says_so() -> None:
    gate = Tidegate(Memory(capacity=1, when_full="refuse"), clock=ManualClock())
    limiter = gate.rate_limiter("api", limit=Limit.per_minute(1))
    with pytest.raises(StoreError, match="full"):
        for number in range(1_000):
            limiter.try_acquire(str(number))


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"capacity": 0}, "capacity is 0, must be a whole number from 1"),
        ({"capacity": -5}, "capacity is -5, must be a whole number from 1"),
        ({"when_full": "panic"}, 'when_full is "panic", must be "forget" or "refuse"'),
    ],
)
def test_wrong_settings_are_told_with_their_values(settings: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError) as raised:
        Memory(**settings)  # type: ignore[arg-type]
    assert said in str(raised.value)
