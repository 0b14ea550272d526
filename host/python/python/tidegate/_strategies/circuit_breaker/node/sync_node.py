# Made from _strategies/circuit_breaker/node/aio_node.py by `python -m tools.sync_face`.
# Change that, or the words in tools/sync_words.py.
"""Circuit breaker nodes for threads: the JSON configurations and contexts that workflow engines send."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, TypeVar

from tidegate._kinds import fit_for_threads
from tidegate._node_results import NodeOutput
from tidegate._node_text import NodeConfig, node_config_text
from tidegate._pickling import Gate
from tidegate._strategies.circuit_breaker.errors import CircuitOpenError
from tidegate._strategies.circuit_breaker.failure import Failure, errors_of
from tidegate._strategies.circuit_breaker.node.base import CircuitBreakerNodeBase, guarded, rode
from tidegate._strategies.circuit_breaker.node.results import CircuitPassage, Guarded, passage_of
from tidegate._strategies.circuit_breaker.node.text import same_circuit
from tidegate._strategies.circuit_breaker.rules import FailureIf, FailureOf, Rules
from tidegate._strategies.circuit_breaker.settling import NodeSettling, NoSettling
from tidegate._strategies.circuit_breaker.sync_guard import run

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

    def execute_circuit_breaker_node(
        self, config: NodeConfig, context: Mapping[str, Any]
    ) -> NodeOutput[CircuitPassage]:
        """`CircuitBreakerNode.execute` on a configuration that comes with the call, and the context with the result."""
        node = self.circuit_breaker_node(config)
        passage = node.execute()
        return NodeOutput(passage, node.put(context, passage.result))

    def record_circuit_success(self, circuit_id: str, config: NodeConfig) -> CircuitPassage:
        """A call that `execute_circuit_breaker_node` admitted succeeded, and nobody kept its token.

        Raises `ConfigError`, also where ``circuit_id`` is not that of the configuration.
        """
        return self._circuit(circuit_id, config).succeeded()

    def record_circuit_failure(
        self, circuit_id: str, config: NodeConfig, error: Failure | BaseException
    ) -> CircuitPassage:
        """A call that `execute_circuit_breaker_node` admitted failed, and nobody kept its token.

        Raises `ConfigError`, also where ``circuit_id`` is not that of the configuration.
        """
        return self._circuit(circuit_id, config).failed(error)

    def with_circuit_breaker(
        self,
        config: NodeConfig,
        context: Mapping[str, Any],  # noqa: ARG002 - engines send it; a circuit reads nothing of it.
        operation: Callable[[], T],
        *,
        timeout_ms: float | timedelta | None = None,
        failure_of: FailureOf | None = None,
        failure_if: FailureIf | None = None,
        count_refusals: bool | None = None,
    ) -> Guarded[T]:
        """`CircuitBreakerNode.call` on a configuration that comes with the call."""
        return self.circuit_breaker_node(config).call(
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
    """A handle on a circuit breaker node, to be shared between threads. It holds no state of the circuit."""

    def admit(self) -> CircuitPassage:
        """Asks to make a call. A refusal is an answer, whatever the fallback.

        Raises `StoreError` and `ContendedError` with a shared store.
        """
        return passage_of(self._core.admit())

    def execute(self) -> CircuitPassage:
        """As `admit`, with the fallback applied: refused, ``error`` is a `CircuitOpenError`, the others an answer."""
        passage = self.admit()
        if not passage.result.allowed and self.fallback_action == "error":
            raise CircuitOpenError(self.circuit_id, passage.report)
        return passage

    def succeeded(self, token: str | None = None) -> CircuitPassage:
        """The call succeeded. While the circuit is closed, a shared store is told in the background.

        Without the token of its admission the outcome counts in the circuit's state of now: half-open, for the oldest
        probe in flight; open, for nothing. Raises `InputError` for a token that no admission has given.
        """
        return passage_of(self._core.succeeded(token))

    def failed(self, error: Failure | BaseException, token: str | None = None) -> CircuitPassage:
        """The call failed, likewise. When this returns, every host sees it."""
        return passage_of(self._core.failed(token, errors_of(error)))

    def cancelled(self, token: str | None = None) -> CircuitPassage:
        """The call was not made or was given up, likewise: no outcome."""
        return passage_of(self._core.cancelled(token))

    def status(self) -> CircuitPassage:
        """Reads the circuit and changes nothing. ``allowed``: a call would be admitted now."""
        return passage_of(self._core.status())

    def call(
        self,
        operation: Callable[[], T],
        *,
        timeout_ms: float | timedelta | None = None,
        failure_of: FailureOf | None = None,
        failure_if: FailureIf | None = None,
        count_refusals: bool | None = None,
    ) -> Guarded[T]:
        """Makes a call through the circuit and records its outcome, or applies the fallback where it is refused.

        An `Exception` counts as a failure and goes on to the caller; any other way out, such as Ctrl-C, gives the
        admission back. For the rules of the call see `CircuitBreaker.__call__`. Raises `CircuitOpenError` where the
        fallback is ``error``.
        """
        fit_for_threads(operation)
        rules = Rules().but(
            timeout_ms=timeout_ms, failure_of=failure_of, failure_if=failure_if, count_refusals=count_refusals
        )
        if self._riding() is not None:
            admission, settling = rode(self.status()), NoSettling()
            result = run(self._flight(rules, admission), settling, operation)
            return guarded(result, settling, admission)
        admission = self.execute()
        if not admission.result.allowed:
            return self._refused(admission)
        recording = NodeSettling(self._core, admission.token)
        result = run(self._flight(rules, admission), recording, operation)
        return guarded(result, recording, admission)

    def __repr__(self) -> str:
        """Its class and circuit."""
        return f"CircuitBreakerNode({self.circuit_id!r})"
