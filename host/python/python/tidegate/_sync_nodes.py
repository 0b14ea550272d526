# Made from _aio_nodes.py by `python -m tools.sync_face`.
# Change that, or the words in tools/sync_words.py.
"""Workflow nodes for threads: the part of a gate that has to do with them."""

from __future__ import annotations

import json
from typing import Any

from tidegate._strategies.circuit_breaker.node.sync_node import CircuitBreakerNodeMethods
from tidegate._strategies.rate_limiter.node.sync_node import RateLimiterNodeMethods


class NodeMethods(RateLimiterNodeMethods, CircuitBreakerNodeMethods):
    """The part of a gate that has to do with workflow nodes: a base for each strategy."""

    def node_registry(self) -> list[dict[str, Any]]:
        """The nodes as data for an editor: names, descriptions, inputs, outputs, and JSON Schemas of configurations."""
        registry: list[dict[str, Any]] = json.loads(self._core.node_registry())
        return registry
