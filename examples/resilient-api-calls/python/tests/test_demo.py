"""The demo as a user runs it: what its summary says must add up and agree with itself."""

import json
import subprocess
import sys
from collections.abc import Sequence

import pytest

from promises import Json, adds_up, opened_and_closed
from redis_server import RedisServer

# The server fails for half a second from its tenth request on, and the circuit opens for a fifth of
# one. The run goes on for two seconds at least after that.
SHORT = "--items 160 --rate 40 --fail-from 10 --fail-for-ms 500 --open-ms 200 --failures 5".split()


def demo(flags: Sequence[str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "resilient_api_calls", *flags]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def summary(flags: Sequence[str]) -> Json:
    ended = demo([*flags, "--json"])
    assert ended.returncode == 0, ended.stderr
    read: Json = json.loads(ended.stdout)
    return read


def test_the_circuit_opens_while_the_server_fails_and_the_numbers_add_up() -> None:
    told = summary(SHORT)
    adds_up(told)
    opened_and_closed(told["circuit"]["transitions"])
    assert told["items"]["failed"] >= 5, told
    assert told["items"]["failed_fast"] > 0, told


def test_two_processes_share_one_limit_and_one_circuit_through_redis(redis: RedisServer) -> None:
    told = summary([*SHORT, "--workers", "2", "--concurrency", "4", "--store", redis.url])
    assert told["workers"] == 2
    assert told["store"] == redis.url
    adds_up(told)
    opened_and_closed(told["circuit"]["transitions"])


def test_a_server_that_never_fails_leaves_the_circuit_closed() -> None:
    told = summary("--items 20 --rate 1000 --fail-from 0 --latency-ms 0".split())
    adds_up(told)
    assert told["items"]["passed"] == 20, told
    assert told["circuit"]["transitions"] == []


def test_items_that_may_not_wait_long_enough_are_denied_and_not_sent() -> None:
    told = summary("--items 12 --rate 2 --queue-timeout-ms 1 --fail-from 0".split())
    adds_up(told)
    assert told["items"]["denied"] > 0, told


def test_the_text_has_the_same_parts_as_the_json() -> None:
    ended = demo(["--items", "5", "--rate", "1000"])
    parts = ["5 items in ", "passed           5", "waited: p50", "stayed closed", "5 in all: 5 answered, 0 refused"]
    for part in parts:
        assert part in ended.stdout
    assert "5 of 5  passed 5  failed 0  failed fast 0  circuit closed" in ended.stderr


@pytest.mark.parametrize(
    ("flags", "problem"),
    [
        (["--rate", "ten"], '--rate is "ten", must be a whole number from 1 to 1000000'),
        (["--items=0"], '--items is "0", must be a whole number from 1 to 1000000'),
        (["--items", "-1"], '--items is "-1", must be a whole number from 1 to 1000000'),
        (["--workers", "33"], '--workers is "33", must be a whole number from 1 to 32'),
        (["--open-ms", "86400001"], '--open-ms is "86400001", must be a whole number from 1 to 86400000'),
        (["--store", "etcd://host"], '--store is "etcd://host", must be memory or a URL redis://host:port'),
        (["--store", "http://me:secret@host"], '--store is "http://host", must be memory or a URL redis://host:port'),
        (["--items"], "--items needs a value; see --help"),
        (["--itmes", "3"], "invalid option '--itmes'; see --help"),
        (["three"], 'unexpected argument "three"; see --help'),
        (["--json=yes"], "unexpected argument for option '--json': \"yes\"; see --help"),
        (
            ["--workers", "2"],
            "--workers 2 needs --store redis://host:port: each process has a memory of its own, so only a shared store "
            "can hold one limit for all",
        ),
    ],
)
def test_a_bad_flag_is_quoted_in_one_sentence(flags: Sequence[str], problem: str) -> None:
    ended = demo(flags)
    assert ended.returncode == 2
    assert ended.stderr == f"error: {problem}\n"
    assert ended.stdout == ""


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_store_that_is_away_ends_the_demo_with_its_reason(redis: RedisServer, workers: str) -> None:
    redis.stop()
    ended = demo(["--items", "3", "--store", redis.url, "--workers", workers, "--json"])
    assert ended.returncode == 1, ended.stderr
    assert f"error: --store {redis.url}: " in ended.stderr
    assert ended.stdout == "", "there is nothing to sum up"


def test_help_names_every_flag() -> None:
    ended = demo(["--help"])
    assert ended.returncode == 0
    flags = "items rate store workers concurrency queue-timeout-ms failures open-ms fail-from fail-for-ms latency-ms"
    for flag in [*flags.split(), "key", "json", "help"]:
        assert f"  --{flag} " in ended.stdout
