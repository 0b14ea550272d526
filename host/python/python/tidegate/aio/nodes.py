"""The functions of workflow engines for asyncio, on a gate of this process that nobody has to open.

Configurations come with every call and are checked once; the last 256 of them stay open. The default gate keeps its
state in memory, one for `tidegate.nodes` and `tidegate.aio.nodes`, unless `set_default_gate` gives another.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any, TypeVar

from tidegate._aio import Tidegate
from tidegate._node_default import MEMORY
from tidegate._node_results import NodeOutput
from tidegate._node_text import NodeConfig
from tidegate._strategies.circuit_breaker.failure import Failure
from tidegate._strategies.circuit_breaker.node.results import CircuitPassage, Guarded
from tidegate._strategies.circuit_breaker.rules import FailureIf, FailureOf
from tidegate._strategies.rate_limiter.node.results import Passage

__all__ = [
    "default_gate",
    "execute_circuit_breaker_node",
    "execute_rate_limiter_node",
    "node_registry",
    "record_circuit_failure",
    "record_circuit_success",
    "set_default_gate",
    "with_circuit_breaker",
]

T = TypeVar("T")

_gates: list[Tidegate] = []


def default_gate() -> Tidegate:
    """The gate that the functions here use."""
    if not _gates:
        # Two threads may both come here; their gates are on one memory, so it does not matter whose
        # stays.
        _gates.append(Tidegate(MEMORY))
    return _gates[-1]


def set_default_gate(gate: Tidegate) -> None:
    """Has the functions here use a gate, such as one on Redis."""
    _gates[:] = [gate]


def node_registry() -> list[dict[str, Any]]:
    """See `Tidegate.node_registry`."""
    return default_gate().node_registry()


async def execute_rate_limiter_node(config: NodeConfig, context: Mapping[str, Any]) -> NodeOutput[Passage]:
    """See `Tidegate.execute_rate_limiter_node`."""
    return await default_gate().execute_rate_limiter_node(config, context)


async def execute_circuit_breaker_node(config: NodeConfig, context: Mapping[str, Any]) -> NodeOutput[CircuitPassage]:
    """See `Tidegate.execute_circuit_breaker_node`."""
    return await default_gate().execute_circuit_breaker_node(config, context)


async def record_circuit_success(circuit_id: str, config: NodeConfig) -> CircuitPassage:
    """See `Tidegate.record_circuit_success`."""
    return await default_gate().record_circuit_success(circuit_id, config)


async def record_circuit_failure(circuit_id: str, config: NodeConfig, error: Failure | BaseException) -> CircuitPassage:
    """See `Tidegate.record_circuit_failure`."""
    return await default_gate().record_circuit_failure(circuit_id, config, error)


async def with_circuit_breaker(
    config: NodeConfig,
    context: Mapping[str, Any],
    operation: Callable[[], Awaitable[T]],
    *,
    timeout_ms: float | timedelta | None = None,
    failure_of: FailureOf | None = None,
    failure_if: FailureIf | None = None,
    count_refusals: bool | None = None,
) -> Guarded[T]:
    """See `Tidegate.with_circuit_breaker`."""
    return await default_gate().with_circuit_breaker(
        config,
        context,
        operation,
        timeout_ms=timeout_ms,
        failure_of=failure_of,
        failure_if=failure_if,
        count_refusals=count_refusals,
    )
