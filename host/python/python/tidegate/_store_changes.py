"""Tells listeners of what the compiled part reports, each in a thread for the purpose."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Protocol, TypeVar

from tidegate._errors import MisuseError
from tidegate._kinds import kind_of, name_of
from tidegate._log import log

N_co = TypeVar("N_co", covariant=True)
N = TypeVar("N")


def listener_of(listener: Callable[[N], object] | None) -> Callable[[N], object] | None:
    """A listener. A coroutine function is none: nobody would await what it returns."""
    if listener is not None and kind_of(listener) != "plain":
        message = f"{name_of(listener)} must be a plain function: let it hand over by loop.call_soon_threadsafe"
        raise MisuseError(message)
    return listener


class Source(Protocol[N_co]):
    """Where news come from."""

    def next(self) -> N_co | None:
        """Waits for the next; None: there will be no more."""


def watch(source: Source[N], listener: Callable[[N], object], name: str = "tidegate-store") -> None:
    """Starts the thread, which ends with what it listens to."""
    threading.Thread(target=_tell, args=(source, listener), name=name, daemon=True).start()


def warn(source: Source[str]) -> None:
    """Starts a thread that says in the log what it is told."""
    watch(source, log().warning, "tidegate-log")


def _tell(source: Source[N], listener: Callable[[N], object]) -> None:
    while (news := source.next()) is not None:
        try:
            listener(news)
        except BaseException:  # noqa: BLE001 - a listener's own fault, be it sys.exit(), is not ours.
            log().exception("a listener failed")
