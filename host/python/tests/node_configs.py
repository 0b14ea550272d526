"""Configurations of nodes, and how to trip a circuit by one."""

from __future__ import annotations

from typing import Any

import pytest

from tidegate import Tidegate

LIMITER: dict[str, Any] = {"limit": 1, "window": "minute", "keyType": "per-user", "behavior": "reject"}
QUEUE: dict[str, Any] = {**LIMITER, "behavior": "queue", "maxQueueSize": 1, "queueTimeoutMs": 120_000}
CIRCUIT: dict[str, Any] = {
    "circuitId": "payments",
    "failureThreshold": 2,
    "failureWindowMs": 10_000,
    "successThreshold": 1,
    "halfOpenTimeoutMs": 20_000,
    "fallbackAction": "error",
    "monitoredErrors": "all",
}


def circuit(**settings: Any) -> dict[str, Any]:
    return {**CIRCUIT, **settings}


def fail() -> str:
    message = "down"
    raise ConnectionError(message)


def trip(gate: Tidegate, config: dict[str, Any]) -> None:
    for _ in range(2):
        with pytest.raises(ConnectionError):
            gate.with_circuit_breaker(config, {}, fail)
