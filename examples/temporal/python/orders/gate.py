"""Tidegate on the Redis that all workers share."""

from __future__ import annotations

from tidegate import Redis
from tidegate.aio import Tidegate

# How long the store may take. An activity has more time than a web request has, and is tried again
# a second later.
_STORE_LIMIT_MS = 2_000


def open_gate(url: str) -> Tidegate:
    """A gate, which is to be left with `async with` or flushed at the end."""
    return Tidegate(Redis(url, timeout_ms=_STORE_LIMIT_MS))
