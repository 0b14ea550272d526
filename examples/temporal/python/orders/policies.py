"""The policies of both languages, in one file: the same settings of the same names are one limiter and one circuit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TypedDict

from .model import JsonObject


class Policies(TypedDict):
    """What is in `examples/temporal/policies.json`."""

    limiter: JsonObject
    circuit: JsonObject
    rateLimiterNode: JsonObject
    circuitBreakerNode: JsonObject


def load() -> Policies:
    """Reads the file."""
    policies: Policies = json.loads((Path(__file__).parents[2] / "policies.json").read_text(encoding="utf-8"))
    return policies
