"""What the tests share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

import redis_server
from redis_server import RedisServer


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    """A Redis of the test's own."""
    with redis_server.running(tmp_path) as running:
        yield running
