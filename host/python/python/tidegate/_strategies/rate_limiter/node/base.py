"""What the rate limiter nodes of both faces have in common: all that asks no store."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tidegate import _tidegate as _core
from tidegate._node_results import put_into, result_text
from tidegate._node_text import NodeContext, members_text
from tidegate._pickling import Gate, Uncopied, opened_again
from tidegate._strategies.rate_limiter.node.results import RateLimiterResult, Subject


class RateLimiterNodeBase(Uncopied):
    """What a rate limiter node answers without asking a store."""

    def __init__(self, core: _core.RateLimiterNode, gate: Gate, config: str) -> None:
        """See `Tidegate.rate_limiter_node`."""
        self._core = core
        self._gate, self._config = gate, config
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

    def __reduce__(self) -> tuple[Any, ...]:
        """The gate, and what it is opened with there."""
        return opened_again, (self._gate, "rate_limiter_node", self._config, ())

    def _read(self, context: NodeContext) -> str:
        return members_text(context, self._reads)
