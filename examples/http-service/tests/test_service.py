"""The service as its clients see it: limits, a failing upstream, and a Redis that pauses under load."""

from __future__ import annotations

import time

import pytest
from conftest import Starter
from redis_server import RedisServer
from upstream import Upstream

CALLERS = 16
# So many requests a second that nobody meets the limit.
PLENTY = 1_000_000


def test_a_tenant_over_its_limit_is_told_when_to_come_back(services: Starter) -> None:
    with services.start(LIMIT=1, WINDOW="second").client() as client:
        while (denied := client.work("acme")).status == 200:
            pass
        assert (denied.status, denied.retry_after) == (429, "1")
        assert client.work("another").status == 200
        time.sleep(float(denied.retry_after or "0"))
        assert client.work("acme").status == 200


def test_processes_share_a_limit(services: Starter) -> None:
    one, other = services.start(LIMIT=5, WINDOW="hour"), services.start(LIMIT=5, WINDOW="hour")
    with one.client() as here, other.client() as there:
        replies = [client.work() for _ in range(5) for client in (here, there)]
    assert [reply.status for reply in replies].count(200) == 5
    # The hour counts from the first request.
    assert 3_500 < int(replies[-1].retry_after or "0") <= 3_600


def test_a_request_without_a_tenant_is_refused(services: Starter) -> None:
    with services.start().client() as client:
        assert client.get("/work").status == 400


@pytest.mark.parametrize(("mood", "status"), [("hangs", 504), ("busy", 502)])
def test_an_upstream_that_fails_is_left_alone_until_it_is_well(
    services: Starter, upstream: Upstream, mood: str, status: int
) -> None:
    service = services.start(UPSTREAM_TIMEOUT_MS=500, OPEN_MS=3_000, LIMIT=PLENTY)
    with service.client() as client:
        assert client.work().status == 200
        upstream.mood = mood
        assert [client.work().status for _ in range(5)] == [status] * 5
        refused = client.work()
        assert (refused.status, refused.retry_after in ("1", "2", "3")) == (503, True)
        assert client.get("/health").body == {"store": "available", "upstream": "open"}
        upstream.recover()
        time.sleep(float(refused.retry_after or "0"))
        assert client.work().status == 200
        assert client.get("/health").body["upstream"] == "closed"


def test_a_pause_of_redis_under_the_time_limit_fails_nobody(services: Starter, redis: RedisServer) -> None:
    service = services.start(LIMIT=PLENTY, WHEN_AWAY="error")
    with service.under_load(CALLERS) as load:
        for _ in range(3):
            load.wait_for_more(100)
            redis.pause(100)
        load.wait_for_more(100)
    assert set(load.statuses) == {200}, load.statuses


def test_a_longer_pause_fails_those_on_their_way_and_then_says_what_when_away_says(
    services: Starter, redis: RedisServer
) -> None:
    service = services.start(LIMIT=PLENTY, WHEN_AWAY="error")
    with service.under_load(CALLERS) as load:
        load.wait_for_more(100)
        redis.pause(1_500)
        load.wait_for_more(100)
        service.wait_until("store", "available")
        load.wait_for_more(100)
    assert set(load.statuses) == {200, 503}, load.statuses


def test_with_a_share_no_pause_of_redis_fails_anybody(services: Starter, redis: RedisServer) -> None:
    service = services.start(LIMIT=PLENTY, WHEN_AWAY="share")
    with service.under_load(CALLERS) as load:
        load.wait_for_more(100)
        redis.pause(1_500)
        load.wait_for_more(100)
        service.wait_until("store", "available")
        load.wait_for_more(100)
    assert set(load.statuses) == {200}, load.statuses
