"""What the service runs on in a test: a Redis and an upstream of its own, on free ports."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Iterator

import pytest
from redis_server import RedisServer
from service import Service, command_of
from upstream import Upstream


@pytest.fixture
def redis() -> Iterator[RedisServer]:
    server = RedisServer(free_port())
    yield server
    server.end()


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    server = Upstream()
    yield server
    server.end()


class Starter:
    """Starts services of one language, which end with the test."""

    def __init__(self, language: str, redis: RedisServer, upstream: Upstream) -> None:
        self.language, self._redis, self._upstream = language, redis, upstream
        self._started: list[Service] = []

    def start(self, **variables: object) -> Service:
        service = Service(
            command_of(self.language),
            {"REDIS_URL": self._redis.url, "UPSTREAM_URL": self._upstream.url, **variables},
        )
        self._started.append(service)
        return service

    def end(self) -> None:
        for service in self._started:
            service.end()


@pytest.fixture(params=["typescript", "python", "rust"])
def services(request: pytest.FixtureRequest, redis: RedisServer, upstream: Upstream) -> Iterator[Starter]:
    starter = Starter(request.param, redis, upstream)
    yield starter
    starter.end()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
    return port


def pytest_configure() -> None:
    subprocess.run(["redis-server", "--version"], check=True, stdout=subprocess.DEVNULL)
