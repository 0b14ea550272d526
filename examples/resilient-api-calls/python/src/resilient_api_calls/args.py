"""The flags. A bad value ends the demo with one sentence that quotes it."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

HELP = """\
A workflow of many API calls behind a rate limiter and a circuit breaker. The server is a real one on
this machine, which fails for a while.

Usage: resilient-api-calls [flags]

  --items N              how many items the workflow has (100)
  --rate N               calls a second at most, over all workers (10)
  --store STORE          where the state lives: memory, or a URL redis://host:port (memory)
  --workers N            worker processes that share the limit and the circuit; more than 1 need Redis (1)
  --concurrency N        items that one worker handles at once (8)
  --queue-timeout-ms MS  how long an item may wait for the rate limiter (60000)
  --failures N           failures within 10 seconds that open the circuit (5)
  --open-ms MS           how long the circuit stays open (1000)
  --fail-from N          the request with which the server begins to fail; 0: it never does (20)
  --fail-for-ms MS       how long it then fails (3000)
  --latency-ms MS        how long an answer of the server takes (20)
  --key TEXT             whose calls these are: runs of one key on one Redis share limit and circuit
                         (one of its own for each run)
  --json                 print the summary as JSON
  --help                 print this
"""


class FlagError(Exception):
    """A sentence on a flag that is wrong."""


@dataclass
class Settings:
    """The settings of the demo. What they mean is told in ``HELP``."""

    items: int = 100
    rate: int = 10
    redis: str | None = None
    """The URL of a Redis; None: memory."""
    workers: int = 1
    concurrency: int = 8
    queue_timeout_ms: int = 60_000
    failures: int = 5
    open_ms: int = 1_000
    fail_from: int = 20
    fail_for_ms: int = 3_000
    latency_ms: int = 20
    key: str | None = None
    """None: one of its own for each run."""
    is_json: bool = False


class Work:
    """The part of a worker process."""


class Help:
    """Say what the flags are."""


Command: TypeAlias = Settings | Work | Help
"""What to do."""

_MAX_MS = 86_400_000
"""The longest time that a flag takes: a day."""

_NUMBERS = {
    "items": (1, 1_000_000),
    "rate": (1, 1_000_000),
    "workers": (1, 32),
    "concurrency": (1, 256),
    "queue-timeout-ms": (1, _MAX_MS),
    "failures": (1, 1_000),
    "open-ms": (1, _MAX_MS),
    "fail-from": (0, 1_000_000),
    "fail-for-ms": (0, _MAX_MS),
    "latency-ms": (0, 1_000),
}
"""The flags that take a number: the least and the most. Each sets the field of its name."""


def parse(given: Sequence[str]) -> Command:
    """Read the flags.

    Raises:
        FlagError: on the first one that is wrong.
    """
    settings = Settings()
    rest = iter(given)
    for argument in rest:
        name, value = _split(argument)
        if name in ("help", "worker", "json"):
            if value is not None:
                raise _see_help(f"unexpected argument for option '--{name}': {quoted(value)}")
            if name != "json":
                return Help() if name == "help" else Work()
            settings.is_json = True
        else:
            _set(settings, name, value, rest)
    _check(settings)
    return settings


def _split(argument: str) -> tuple[str, str | None]:
    """The name of a flag, and what comes after an equals sign."""
    if match := re.fullmatch(r"--([^=]+)(?:=(.*))?", argument, re.DOTALL):
        return match[1], match[2]
    if re.match(r"-[^-]", argument):
        raise _see_help(f"invalid option '{argument}'")
    raise _see_help(f"unexpected argument {quoted(argument)}")


def _next(name: str, rest: Iterator[str]) -> str:
    value = next(rest, None)
    if value is None:
        raise FlagError(f"--{name} needs a value; see --help")
    return value


def _set(settings: Settings, name: str, value: str | None, rest: Iterator[str]) -> None:
    if name not in _NUMBERS and name not in ("store", "key"):
        raise _see_help(f"invalid option '--{name}'")
    text = _next(name, rest) if value is None else value
    if name == "store":
        settings.redis = _store(text)
    elif name == "key":
        settings.key = text
    else:
        setattr(settings, name.replace("-", "_"), _number(name, text))


def _number(name: str, text: str) -> int:
    least, most = _NUMBERS[name]
    if re.fullmatch(r"\+?[0-9]{1,19}", text) and least <= int(text) <= most:
        return int(text)
    raise FlagError(f"--{name} is {quoted(text)}, must be a whole number from {least} to {most}")


def _store(value: str) -> str | None:
    if value == "memory":
        return None
    if value.startswith(("redis://", "rediss://", "redis+unix://")):
        return value
    raise FlagError(f"--store is {quoted(without_password(value))}, must be memory or a URL redis://host:port")


def _check(settings: Settings) -> None:
    if settings.workers > 1 and settings.redis is None:
        raise FlagError(
            f"--workers {settings.workers} needs --store redis://host:port: each process has a memory of its own, so "
            "only a shared store can hold one limit for all"
        )


def without_password(url: str) -> str:
    """A URL that can be shown."""
    return re.sub(r"^([^:]*://).*@", r"\1", url, flags=re.DOTALL)


def quoted(text: str) -> str:
    """Text in quotation marks."""
    return json.dumps(text, ensure_ascii=False)


def _see_help(problem: str) -> FlagError:
    return FlagError(f"{problem}; see --help")
