"""One text, one answer: the table that the tests of all languages read."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tidegate import ConfigError, Limit, RateLimitError, Redis, Tidegate, aio

TABLE: dict[str, Any] = json.loads(
    (Path(__file__).parents[3] / "tests" / "conformance" / "inputs.json").read_text(encoding="utf-8")
)


@pytest.mark.parametrize(("text", "path"), TABLE["settings"])
def test_settings(text: str, path: str | None) -> None:
    found = None
    try:
        Tidegate().rate_limiter(json.loads(text))
    except ConfigError as error:
        found = error.problems[0].path
    assert found == path


@pytest.mark.parametrize("row", TABLE["calls"])
def test_calls(row: dict[str, Any]) -> None:
    limit = Limit.per_day(4_294_967_295)
    limiter: Any = Tidegate().rate_limiter("api", limit=limit)
    later: Any = aio.Tidegate().rate_limiter("api", limit=limit)
    key, cost = row["key"], row["cost"]
    asks: list[Callable[[], object]] = [
        lambda: limiter.try_acquire(key, cost=cost),
        lambda: limiter.acquire(key, cost=cost),
        lambda: limiter.peek(key, cost=cost),
        lambda: limiter.charge(key, cost),
        lambda: limiter.refund(key, charged_at_us=1, cost=cost),
        lambda: asyncio.run(later.try_acquire(key, cost=cost)),
        lambda: asyncio.run(later.charge(key, cost)),
    ]
    for ask in asks:
        found: tuple[str | None, str | None] = (None, None)
        value: str | None = None
        try:
            ask()
        except ConfigError as error:
            problem = error.problems[0]
            found, value = (problem.path, problem.allowed), problem.value
        except RateLimitError:
            pass  # Its cost is sound, and spent.
        assert found == (row["path"], row["allowed"])
        if row["path"] is not None:
            assert value == repr(row[row["path"]])


def test_an_option_that_is_not_known_is_told() -> None:
    limiter: Any = Tidegate().rate_limiter("api", limit=Limit.per_second(1))
    with pytest.raises(TypeError, match="cots"):
        limiter.try_acquire("me", cots=5)
    redis: Any = Redis
    with pytest.raises(TypeError, match="limitms"):
        redis("redis://127.0.0.1", limitms=5)


def test_a_url_says_nothing_that_is_not_read() -> None:
    for url in ("redis://127.0.0.1?db=3", "redis://127.0.0.1/3?db=4", "redis://127.0.0.1?timeout_ms=5"):
        with pytest.raises(ConfigError, match="url"):
            Redis(url)
    Redis("redis://127.0.0.1/3")
