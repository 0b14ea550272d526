"""What the nodes of both faces have in common: all that asks no store."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from tidegate import _tidegate as _core
from tidegate._node_results import CircuitResult, RateLimiterResult, Subject, put_into, result_text
from tidegate._node_text import NodeContext, fallback_of, members_text


class RateLimiterNodeBase:
    """What a rate limiter node answers without asking a store."""

    def __init__(self, core: _core.RateLimiterNode) -> None:
        """See `Tidegate.rate_limiter_node`."""
        self._core = core
        self._reads = core.reads()
        self._output_variable = core.output_variable()

    @property
    def output_variable(self) -> str | None:
        """Where results go in a context; None: their fields are merged into it."""
        return self._output_variable

    def reads(self) -> list[str]:
        """The members of a context that the node looks at; it needs no others."""
        return list(self._reads)

    def subject(self, context: NodeContext) -> Subject:
        """What the node limits for this context. Raises `InputError`, which names a field where there is no key."""
        return Subject(*self._core.subject(self._read(context)))

    def output(self, context: str, result: RateLimiterResult | Mapping[str, Any] | str) -> str:
        """The JSON text of a context with a result in it; all other text stays as it is.

        Raises `InputError` where the context is no object or is longer than 2 MiB; `put` knows no bounds.
        """
        return self._core.output(context, result_text(result))

    def put(self, context: Mapping[str, Any], result: RateLimiterResult) -> dict[str, Any]:
        """A new context with a result in it, as JSON has it. All other members are the same objects."""
        return put_into(context, self._output_variable, result)

    def _read(self, context: NodeContext) -> str:
        return members_text(context, self._reads)


class CircuitBreakerNodeBase:
    """What a circuit breaker node answers without asking a store."""

    def __init__(self, core: _core.CircuitBreakerNode) -> None:
        """See `Tidegate.circuit_breaker_node`."""
        self._core = core
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
