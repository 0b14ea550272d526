"""How gates and handles go to other processes, and how they are copied.

A handle holds no state, so what goes is what it was opened with, and it is opened again there. A gate goes if its state
is shared by processes: one in memory would be another, empty one. In a process that has the gate already, its handles
come back to it, so that no task opens a connection of its own.
"""

from __future__ import annotations

import os
import time
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from tidegate import _tidegate as _core

if TYPE_CHECKING:
    from typing_extensions import Self

T = TypeVar("T")

_gates: weakref.WeakValueDictionary[tuple[type, str], Gate] = weakref.WeakValueDictionary()


class Uncopied:
    """Copying it gives itself: it holds nothing that a copy could have for its own."""

    def __copy__(self) -> Self:
        """Itself."""
        return self

    def __deepcopy__(self, _: object) -> Self:
        """Itself."""
        return self


class Gate(Uncopied):
    """What both kinds of gates have in common."""

    _core: _core.Gate
    _place: object
    """What two gates have in common that share their state."""

    @classmethod
    def from_env(cls, **options: Any) -> Self:
        """Opens a gate on the Redis that the environment names.

        By ``TIDEGATE_REDIS_URL`` or ``REDIS_URL``, else by ``REDIS_HOST`` and ``REDIS_PORT``, which are ``localhost``
        and ``6379`` where they are not set. The options are those of the gate.
        """
        opener: Any = cls
        gate: Self = opener(_core.redis_url_of_env(), **options)
        return gate

    def _opened_with(self, store: object, clock: object, options: dict[str, Any]) -> None:
        """Keeps what it takes to open it elsewhere."""
        self._place = self._core if store is None else store
        # The time of day may be set while a call is under way.
        self._now_us: Callable[[], int] = _steady_us if clock is None else self._core.now_us
        self._store, self._clock, self._options = store, clock, options
        self._number = ""

    def __reduce__(self) -> tuple[Any, ...]:
        """What it was opened with."""
        if not isinstance(self._store, _core.Redis) or self._clock is not None:
            message = (
                f"a {type(self).__name__} in memory, or on a clock of its own, is of one process and cannot be "
                "pickled: open one in each process, or share the state by a Redis"
            )
            raise TypeError(message)
        if not self._number:
            self._number = os.urandom(16).hex()
            _gates[type(self), self._number] = self
        return _gate, (type(self), self._number, self._store, self._options)


def _steady_us() -> int:
    return time.monotonic_ns() // 1_000


def _gate(cls: type[Any], number: str, store: object, options: dict[str, Any]) -> Gate:
    known = _gates.get((cls, number))
    if known is not None:
        return known
    gate: Gate = cls(store, **options)
    gate._number = number
    return _gates.setdefault((cls, number), gate)


def opened_again(gate: Any, kind: str, config: Any, parts: tuple[Any, ...]) -> Any:
    """A handle: what the gate opens by these settings, and then what its class makes of the rest."""
    handle = getattr(gate, kind)(config)
    return handle._again(*parts) if parts else handle
