"""How a gate comes to its Redis: with few rights, under a name of its own, and by Sentinels."""

from __future__ import annotations

import pickle
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tidegate import ConfigError, Failure, Gcra, Lease, Limit, Queue, Redis, StoreError, Tidegate

from .conftest import RedisServer
from .test_readme import README

LIMIT_MS = 10_000

DOWN_AFTER_S = 0.5
FAILOVER_S = 1.0
BOUND_S = DOWN_AFTER_S + 6 * FAILOVER_S + 10
"""A failover that is noticed, made, and twice more if the first came to nothing; then a host's longest pauses."""


@pytest.fixture
def server() -> Iterator[RedisServer]:
    server = RedisServer()
    yield server
    server.stop()


def rights() -> list[str]:
    """The line of the README, without its first word."""
    found = re.search(r"^ACL (SETUSER tidegate on >a-secret .*)$", README.read_text(), re.MULTILINE)
    assert found
    return found[1].split(" ")


def gate_without(server: RedisServer, right: str) -> Tidegate:
    rules = [rule for rule in rights() if rule != right]
    assert server.run("ACL", rules[0], rules[1], "reset", *rules[2:]) == "+OK\r\n"
    return Tidegate(Redis(f"redis://tidegate:a-secret@127.0.0.1:{server.port}", timeout_ms=LIMIT_MS))


def every_call(server: RedisServer, gate: Tidegate, other: Tidegate) -> None:
    limiter = gate.rate_limiter("queue", limit=Limit.per_day(1), on_limit=Queue(5, 3_600_000))
    limiter.acquire("k")
    ticket = limiter.decide("k").ticket
    assert ticket is not None
    assert limiter.cancel("k", ticket)
    limiter.charge("k", 2)
    limiter.reset("k")
    assert limiter.refund("k", limiter.try_acquire("k")).remaining == 1

    server.run("SCRIPT", "FLUSH")
    leasing = gate.rate_limiter("lease", limit=Limit.per_hour(100), lease=Lease(10, 5_000))
    assert all(leasing.try_acquire("k") for _ in range(5))
    assert all(gate.rate_limiter("several", limit=Limit.per_hour(1)).try_acquire_many(["a", "b", "c"]))
    # A host that knows nothing yet is told of a limit that others have reached.
    one, another = (each.rate_limiter("gcra", limit=Limit.per_day(1).by(Gcra())) for each in (gate, other))
    assert one.try_acquire("k")
    assert not another.try_acquire("k")

    breaker = gate.circuit_breaker("c", consecutive=1)
    permit = breaker.admit().permit
    assert permit is not None
    breaker.failed(permit, Failure("Down"), elapsed_ms=1)
    breaker.reset()
    gate.flush()


@pytest.mark.parametrize("right", ["", "+ping", "+info", "+client|setname"])
def test_the_rights_of_the_readme_are_enough_without_those_of_other_languages(server: RedisServer, right: str) -> None:
    every_call(server, gate_without(server, right), gate_without(server, right))


@pytest.mark.parametrize(
    ("right", "said"),
    [
        ("+evalsha", "run EVALSHA;"),
        ("+eval", "run EVAL;"),
        ("+script|load", "run SCRIPT LOAD;"),
        ("+time", "run TIME, which the commit script calls;"),
        ("+mget", "run MGET, which the commit script calls;"),
        ("+set", "run SET, which the commit script calls;"),
        ("+del", "run DEL, which the commit script calls;"),
        ("+pttl", "run PTTL, which the commit script calls;"),
        ("~tidegate:*", "use these keys;"),
    ],
)
def test_a_right_that_is_missing_is_named(server: RedisServer, right: str, said: str) -> None:
    assert right in rights()
    gate = gate_without(server, right)
    with pytest.raises(StoreError, match=re.escape(f"NOPERM the user may not {said}")):
        every_call(server, gate, gate_without(server, right))


def names(server: RedisServer) -> set[str]:
    return set(re.findall(r" name=(\S+)", server.run("CLIENT", "LIST")))


def test_connections_have_a_name(server: RedisServer) -> None:
    with Tidegate(server.url) as usual, Tidegate(Redis(server.url, client_name="orders:web-1")) as named:
        usual.ready()
        named.ready()
        assert names(server) == {"tidegate", "orders:web-1"}
    with pytest.raises(ConfigError, match=re.escape('client_name is "two words", must be letters, digits and signs')):
        Redis(server.url, client_name="two words")


class Watched:
    """A master, its replica, and a Sentinel that watches over them."""

    def __init__(self, folder: Path) -> None:
        self.master, self.replica = RedisServer(), RedisServer()
        self.replica.run("REPLICAOF", "127.0.0.1", str(self.master.port))
        file = folder / "sentinel.conf"
        file.write_text(
            f"sentinel monitor mymaster 127.0.0.1 {self.master.port} 1\n"
            f"sentinel down-after-milliseconds mymaster {DOWN_AFTER_S * 1000:.0f}\n"
            f"sentinel failover-timeout mymaster {FAILOVER_S * 1000:.0f}\n"
        )
        self.sentinel = RedisServer(str(file), "--sentinel")
        self.until(self.replica, "replication", "master_link_status:up")
        self.until(self.sentinel, "sentinel", "slaves=1")

    def until(self, server: RedisServer, section: str, text: str) -> None:
        """Asks until the server says so: what nobody announces."""
        end = time.monotonic() + 30
        while text not in server.run("INFO", section):
            assert time.monotonic() < end, server.run("INFO", section)
            time.sleep(0.02)

    def stop(self) -> None:
        for server in (self.sentinel, self.replica, self.master):
            server.stop()


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    watched = Watched(tmp_path)
    yield watched
    watched.stop()


def test_a_gate_goes_on_with_the_successor_that_sentinels_name(watched: Watched) -> None:
    with Tidegate(f"redis+sentinel://127.0.0.1:{watched.sentinel.port}/mymaster") as gate:
        limiter = gate.rate_limiter("api", limit=Limit.per_day(10))
        assert limiter.try_acquire("me").remaining == 9
        watched.until(watched.replica, "keyspace", "db0:keys=")
        watched.master.process.kill()
        gone = time.monotonic()
        while True:
            try:
                remaining = limiter.try_acquire("me").remaining
                break
            except StoreError:
                assert time.monotonic() - gone < BOUND_S
                time.sleep(0.02)
        # The successor had heard of the first.
        assert remaining <= 8
        assert watched.replica.run("DBSIZE") != ":0\r\n"


def test_sentinels_can_be_settings_and_go_to_other_processes(watched: Watched) -> None:
    store = Redis("redis://mymaster", sentinels=[f"redis://127.0.0.1:{watched.sentinel.port}"])
    with Tidegate(pickle.loads(pickle.dumps(store))) as gate:
        gate.ready()
        assert gate.rate_limiter("api", limit=Limit.per_day(1)).try_acquire("me")


def test_a_master_that_no_sentinel_knows_is_an_error_that_names_it(watched: Watched) -> None:
    with Tidegate(f"redis+sentinel://127.0.0.1:{watched.sentinel.port}/orders") as gate:
        said = f'the Sentinels 127.0.0.1:{watched.sentinel.port} know no master "orders" that is up'
        with pytest.raises(StoreError, match=re.escape(said)):
            gate.ready()
