"""Tells a gate's listener of changes of its store, in a thread for the purpose."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from tidegate._tidegate import StoreChange, StoreChanges

_log = logging.getLogger("tidegate")


def watch(changes: StoreChanges, listener: Callable[[StoreChange], object]) -> None:
    """Starts the thread, which ends with the gate."""
    threading.Thread(target=_tell, args=(changes, listener), name="tidegate-store", daemon=True).start()


def _tell(changes: StoreChanges, listener: Callable[[StoreChange], object]) -> None:
    while (change := changes.next()) is not None:
        try:
            listener(change)
        except Exception:  # noqa: BLE001 - a listener's own fault is not the store's.
            _log.exception("a listener for changes of the store failed")
