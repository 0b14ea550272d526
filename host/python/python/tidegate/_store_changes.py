"""Tells listeners of what the compiled part reports, each in a thread for the purpose."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Protocol, TypeVar

_log = logging.getLogger("tidegate")

N_co = TypeVar("N_co", covariant=True)
N = TypeVar("N")


class Source(Protocol[N_co]):
    """Where news come from."""

    def next(self) -> N_co | None:
        """Waits for the next; None: there will be no more."""


def watch(source: Source[N], listener: Callable[[N], object]) -> None:
    """Starts the thread, which ends with what it listens to."""
    threading.Thread(target=_tell, args=(source, listener), name="tidegate-store", daemon=True).start()


def _tell(source: Source[N], listener: Callable[[N], object]) -> None:
    while (news := source.next()) is not None:
        try:
            listener(news)
        except Exception:  # noqa: BLE001 - a listener's own fault is not ours.
            _log.exception("a listener failed")
