"""What goes into circuit breaker nodes and out of them as JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tidegate._errors import ConfigError, Problem

if TYPE_CHECKING:
    pass


def fallback_of(text: str | None) -> Any:
    """A fallback value, made anew for each call, so that no caller sees what another has done to it."""
    return None if text is None else json.loads(text)


def same_circuit(circuit_id: str, of_config: str) -> None:
    """A circuit that a configuration is not of is a `ConfigError`."""
    if circuit_id != of_config:
        value, allowed = json.dumps(of_config), f"{json.dumps(circuit_id)}, the circuit of the call"
        problem = Problem("circuitId", f"circuitId is {value}, must be {allowed}", value, allowed)
        raise ConfigError([problem], circuit_id)
