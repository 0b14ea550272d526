"""What the tests of activities stand on: a real Redis, a real HTTP server, and gates of workers on them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import pytest

from orders.activities import Activities
from orders.gate import open_gate
from orders.nodes import NodeActivities
from orders.payment_server import PaymentServer
from orders.payments import PaymentApi

from .redis import redis_server

_LIMITER = {
    "limits": [{"limit": 1, "window": "minute"}],
    "onLimit": {"behavior": "queue", "maxSize": 10, "timeoutMs": 60_000},
}
_CIRCUIT = {"trip": {"consecutive": 2}, "openMs": 20_000, "ignored": [{"part": "code", "pattern": "4??"}]}


@dataclass
class Stage:
    """The servers, and workers on them."""

    redis: str
    payments: PaymentServer
    apis: list[PaymentApi] = field(default_factory=list)

    def worker(
        self, limiter: dict[str, Any] | None = None, circuit: dict[str, Any] | None = None, name: str | None = None
    ) -> Activities:
        """A worker's activities, on a gate of its own. Workers of one name share their limiter and circuit."""
        gate = open_gate(self.redis)
        name = name or str(uuid4())
        return Activities(
            gate.rate_limiter({"name": name, **_LIMITER, **(limiter or {})}),
            gate.circuit_breaker({"name": name, **_CIRCUIT, **(circuit or {})}),
            self._api(),
        )

    def node_worker(self) -> NodeActivities:
        """The activities of nodes of a worker."""
        return NodeActivities(open_gate(self.redis), self._api())

    def _api(self) -> PaymentApi:
        self.apis.append(PaymentApi(self.payments.url))
        return self.apis[-1]


@pytest.fixture(scope="session")
def redis() -> Iterator[str]:
    """The URL of a Redis server."""
    with redis_server() as url:
        yield url


@pytest.fixture
async def stage(redis: str) -> AsyncIterator[Stage]:
    """The servers of a test."""
    payments = PaymentServer()
    stage = Stage(redis, payments)
    yield stage
    for api in stage.apis:
        await api.close()
    payments.close()
