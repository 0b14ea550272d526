"""Configurations and contexts of workflow nodes as the JSON that the component reads."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from tidegate._config import config_text

if TYPE_CHECKING:
    from decimal import Decimal

NodeConfig: TypeAlias = Mapping[str, Any] | str
"""A node's configuration: a mapping as JSON has it, or JSON text."""

NodeContext: TypeAlias = Mapping[str, Any] | str
"""A context: a mapping that may hold anything, or the JSON text of an object."""

# The component reads no deeper, and a structure that holds itself has no end.
_MOST_DEPTH = 100
# Python writes no longer number, and no key is as long.
_MOST_DIGITS = 4_000
_MOST_BITS = 13_000


def node_config_text(config: NodeConfig) -> str:
    """The JSON text of a node's configuration."""
    return config if isinstance(config, str) else config_text(config, {})


def members_text(context: NodeContext, names: Sequence[str]) -> str:
    """The JSON text of those members of a context that have one of these names."""
    if isinstance(context, str):
        return context
    return json.dumps({name: _plain(context[name], _MOST_DEPTH) for name in names if name in context})


def _plain(value: object, depth: int) -> object:
    """A value in terms of JSON. What has no place there becomes an empty object, which is no key."""
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, int):
        return value if value.bit_length() < _MOST_BITS else {}
    if isinstance(value, float):
        return value if math.isfinite(value) else {}
    if isinstance(value, (Mapping, list, tuple)):
        return _members(cast("object", value), depth - 1) if depth > 0 else {}
    return _of_a_class(value)


def _members(value: object, depth: int) -> object:
    if isinstance(value, Mapping):
        members = cast("Mapping[object, object]", value)
        return {name: _plain(member, depth) for name, member in members.items() if isinstance(name, str)}
    items = cast("Sequence[object]", value)
    return [_plain(item, depth) for item in items]


def _of_a_class(value: object) -> object:
    # Not above: few contexts have one, and the two take a tenth of the time that a first decision
    # has.
    from decimal import Decimal
    from uuid import UUID

    if isinstance(value, UUID):
        return str(value)
    return _number(value) if isinstance(value, Decimal) else {}


def _number(value: Decimal) -> object:
    """A number. Whole ones stay exact: databases hand out keys that way."""
    if not value.is_finite() or value.adjusted() > _MOST_DIGITS:
        return {}
    return int(value) if value == value.to_integral_value() else float(value)
