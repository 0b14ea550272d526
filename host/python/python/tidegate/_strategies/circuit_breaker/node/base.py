"""What the circuit breaker nodes of both faces have in common: all that asks no store."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal, TypeVar

from tidegate import _tidegate as _core
from tidegate._node_results import put_into, result_text
from tidegate._pickling import Gate, Uncopied, opened_again
from tidegate._strategies.circuit_breaker.flight import Flight, Identity, inside_of
from tidegate._strategies.circuit_breaker.node.results import CircuitPassage, CircuitResult, Guarded, passage_of
from tidegate._strategies.circuit_breaker.node.text import fallback_of
from tidegate._strategies.circuit_breaker.rules import Rules
from tidegate._strategies.circuit_breaker.settling import NodeSettling, NoSettling

T = TypeVar("T")


class CircuitBreakerNodeBase(Uncopied):
    """What a circuit breaker node answers without asking a store."""

    def __init__(self, core: _core.CircuitBreakerNode, gate: Gate, config: str) -> None:
        """See `Tidegate.circuit_breaker_node`."""
        self._core = core
        self._gate, self._config = gate, config
        self._circuit_id = core.circuit_id()
        self._fallback_action: Literal["error", "default", "skip"] = core.fallback_action()
        self._fallback_text = core.fallback_value()
        self._output_variable = core.output_variable()

    @property
    def circuit_id(self) -> str:
        """The circuit's name."""
        return self._circuit_id

    @property
    def fallback_action(self) -> Literal["error", "default", "skip"]:
        """What a call that is refused gets instead: `CircuitOpenError`, the fallback value, or nothing."""
        return self._fallback_action

    @property
    def fallback_value(self) -> Any:
        """The fallback value; None unless the action is ``default``."""
        return fallback_of(self._fallback_text)

    @property
    def output_variable(self) -> str | None:
        """Where results go in a context; None: their fields are merged into it."""
        return self._output_variable

    def output(self, context: str, result: CircuitResult | Mapping[str, Any] | str) -> str:
        """The JSON text of a context with a result in it; all other text stays as it is.

        Raises `InputError` where the context is no object or is longer than 2 MiB; `put` knows no bounds.
        """
        return self._core.output(context, result_text(result))

    def put(self, context: Mapping[str, Any], result: CircuitResult) -> dict[str, Any]:
        """A new context with a result in it, as JSON has it. All other members are the same objects."""
        return put_into(context, self._output_variable, result)

    def __reduce__(self) -> tuple[Any, ...]:
        """The gate, and what it is opened with there."""
        return opened_again, (self._gate, "circuit_breaker_node", self._config, ())

    def _identity(self) -> Identity:
        return self._gate._place, self._circuit_id, ""

    def _riding(self) -> Flight | None:
        """The call through the same circuit that this is inside of, with whose permit it goes."""
        return inside_of(self._identity())

    def _flight(self, rules: Rules, admission: CircuitPassage) -> Flight:
        return Flight(self._identity(), rules, self._gate._now_us, admission.report)

    def _refused(self, admission: CircuitPassage) -> Guarded[Any]:
        # Of another type than the operation's where the configuration says so.
        return Guarded(self.fallback_value, admission.result, has_result=self._fallback_action == "default")


def rode(status: CircuitPassage) -> CircuitPassage:
    """An admission that goes with the permit of another: by the circuit's status, which tells of a call of its own."""
    return replace(status, result=replace(status.result, allowed=True, failed_fast=False))


def guarded(result: T, settling: NodeSettling | NoSettling, admission: CircuitPassage) -> Guarded[T]:
    """A result, and the circuit after it, as far as that was heard of."""
    parts = settling.parts if isinstance(settling, NodeSettling) else None
    return Guarded(result, admission.result if parts is None else passage_of(parts).result)
