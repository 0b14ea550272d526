"""What workflow nodes answer, and how it goes into contexts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

P_co = TypeVar("P_co", covariant=True)


@dataclass(frozen=True)
class NodeOutput(Generic[P_co]):
    """What a node makes of a context."""

    passage: P_co
    """The passage, with the result."""
    context: dict[str, Any]
    """A new context: the old one's members, with the result among them as JSON has it."""


class NodeResult(Protocol):
    """The result of a node."""

    def to_dict(self) -> dict[str, Any]:
        """The result as JSON has it."""
        ...


def result_text(result: NodeResult | Mapping[str, Any] | str) -> str:
    """A result as JSON text, byte for byte as the component writes it."""
    if isinstance(result, str):
        return result
    fields = result if isinstance(result, Mapping) else result.to_dict()
    return json.dumps(fields, separators=(",", ":"))


def put_into(context: Mapping[str, Any], variable: str | None, result: NodeResult) -> dict[str, Any]:
    """A new context with a result in it. A member of the same name is replaced where it stands, else it comes last."""
    fields = result.to_dict()
    return {**context, **(fields if variable is None else {variable: fields})}
