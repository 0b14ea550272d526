"""Circuit breaker nodes for asyncio: the JSON configurations and contexts that workflow engines send."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any, TypeVar

from tidegate._kinds import fit_for_tasks
from tidegate._loops import heard, heard_out
from tidegate._node_results import NodeOutput
from tidegate._node_text import NodeConfig, node_config_text
from tidegate._pickling import Gate
from tidegate._strategies.circuit_breaker.aio_guard import run
from tidegate._strategies.circuit_breaker.errors import CircuitOpenError
from tidegate._strategies.circuit_breaker.failure import Failure, errors_of
from tidegate._strategies.circuit_breaker.node.base import CircuitBreakerNodeBase, guarded, rode
from tidegate._strategies.circuit_breaker.node.results import CircuitPassage, Guarded, passage_of
from tidegate._strategies.circuit_breaker.node.text import same_circuit
from tidegate._strategies.circuit_breaker.rules import FailureIf, FailureOf, Rules
from tidegate._strategies.circuit_breaker.settling import NodeSettling, NoSettling

T = TypeVar("T")


class CircuitBreakerNodeMethods(Gate):
    """The part of a gate that has to do with circuit breaker nodes."""

    def circuit_breaker_node(self, config: NodeConfig, /) -> CircuitBreakerNode:
        """Opens a circuit breaker node. Raises `ConfigError` with all problems of the configuration.

        Nodes and circuit breakers of the same name on the same store are one circuit. The last 256 configurations stay
        open.
        """
        text = node_config_text(config)
        return CircuitBreakerNode(self._core.circuit_breaker_node(text), self, text)

    async def execute_circuit_breaker_node(
        self, config: NodeConfig, context: Mapping[str, Any]
    ) -> NodeOutput[CircuitPassage]:
        """`CircuitBreakerNode.execute` on a configuration that comes with the call, and the context with the result."""
        node = self.circuit_breaker_node(config)
        passage = await node.execute()
        return NodeOutput(passage, node.put(context, passage.result))

    async def record_circuit_success(self, circuit_id: str, config: NodeConfig) -> CircuitPassage:
        """A call that `execute_circuit_breaker_node` admitted succeeded, and nobody kept its token.

        Raises `ConfigError`, also where ``circuit_id`` is not that of the configuration.
        """
        return await self._circuit(circuit_id, config).succeeded()

    async def record_circuit_failure(
        self, circuit_id: str, config: NodeConfig, error: Failure | BaseException
    ) -> CircuitPassage:
        """A call that `execute_circuit_breaker_node` admitted failed, and nobody kept its token.

        Raises `ConfigError`, also where ``circuit_id`` is not that of the configuration.
        """
        return await self._circuit(circuit_id, config).failed(error)

    async def with_circuit_breaker(
        self,
        config: NodeConfig,
        context: Mapping[str, Any],  # noqa: ARG002 - engines send it; a circuit reads nothing of it.
        operation: Callable[[], Awaitable[T]],
        *,
        timeout_ms: float | timedelta | None = None,
        failure_of: FailureOf | None = None,
        failure_if: FailureIf | None = None,
        count_refusals: bool | None = None,
    ) -> Guarded[T]:
        """`CircuitBreakerNode.call` on a configuration that comes with the call."""
        return await self.circuit_breaker_node(config).call(
            operation,
            timeout_ms=timeout_ms,
            failure_of=failure_of,
            failure_if=failure_if,
            count_refusals=count_refusals,
        )

    def _circuit(self, circuit_id: str, config: NodeConfig) -> CircuitBreakerNode:
        node = self.circuit_breaker_node(config)
        same_circuit(circuit_id, node.circuit_id)
        return node


class CircuitBreakerNode(CircuitBreakerNodeBase):
    """A handle on a circuit breaker node, to be shared between tasks. It holds no state of the circuit."""

    async def admit(self) -> CircuitPassage:
        """Asks to make a call. A refusal is an answer, whatever the fallback.

        Raises `StoreError` and `ContendedError` with a shared store.
        """
        return passage_of(await heard(self._core.start_admit()))

    async def execute(self) -> CircuitPassage:
        """As `admit`, with the fallback applied: refused, ``error`` is a `CircuitOpenError`, the others an answer."""
        passage = await self.admit()
        if not passage.result.allowed and self.fallback_action == "error":
            raise CircuitOpenError(self.circuit_id, passage.report)
        return passage

    async def succeeded(self, token: str | None = None) -> CircuitPassage:
        """The call succeeded. While the circuit is closed, a shared store is told in the background.

        Without the token of its admission the outcome counts in the circuit's state of now: half-open, for the oldest
        probe in flight; open, for nothing. Raises `InputError` for a token that no admission has given.
        """
        return passage_of(await heard_out(self._core.start_succeeded(token)))

    async def failed(self, error: Failure | BaseException, token: str | None = None) -> CircuitPassage:
        """The call failed, likewise. When this returns, every host sees it."""
        return passage_of(await heard_out(self._core.start_failed(token, errors_of(error))))

    async def cancelled(self, token: str | None = None) -> CircuitPassage:
        """The call was not made or was given up, likewise: no outcome."""
        return passage_of(await heard_out(self._core.start_cancelled(token)))

    async def status(self) -> CircuitPassage:
        """Reads the circuit and changes nothing. ``allowed``: a call would be admitted now."""
        return passage_of(await heard(self._core.start_status()))

    async def call(
        self,
        operation: Callable[[], Awaitable[T]],
        *,
        timeout_ms: float | timedelta | None = None,
        failure_of: FailureOf | None = None,
        failure_if: FailureIf | None = None,
        count_refusals: bool | None = None,
    ) -> Guarded[T]:
        """Makes a call through the circuit and records its outcome, or applies the fallback where it is refused.

        An `Exception` counts as a failure and goes on to the caller; any other way out, such as a cancelled task, gives
        the admission back. For the rules of the call see `CircuitBreaker.__call__`. Raises `CircuitOpenError` where the
        fallback is ``error``.
        """
        fit_for_tasks(operation)
        rules = Rules().but(
            timeout_ms=timeout_ms, failure_of=failure_of, failure_if=failure_if, count_refusals=count_refusals
        )
        if self._riding() is not None:
            admission, settling = rode(await self.status()), NoSettling()
            result = await run(self._flight(rules, admission), settling, operation)
            return guarded(result, settling, admission)
        admission = await self.execute()
        if not admission.result.allowed:
            return self._refused(admission)
        recording = NodeSettling(self._core, admission.token)
        result = await run(self._flight(rules, admission), recording, operation)
        return guarded(result, recording, admission)

    def __repr__(self) -> str:
        """Its class and circuit."""
        return f"CircuitBreakerNode({self.circuit_id!r})"
