"""Live progress, on the standard error: one line that is drawn anew on a terminal, else a line each second.

State changes of the circuit get a line of their own as they happen.
"""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from resilient_api_calls.args import Settings, quoted, without_password
from resilient_api_calls.event import Change, Event
from resilient_api_calls.tally import Tally
from resilient_api_calls.time import ms_since, now_us, seconds

_BAR_CELLS = 10
"""How wide the bar is."""


@asynccontextmanager
async def shown(settings: Settings, key: str, tally: Tally, started_us: int) -> AsyncIterator["Progress"]:
    """Say what is about to happen, and show how it goes until the block ends."""
    _announce(settings, key)
    progress = Progress(settings.items, tally, started_us, sys.stderr.isatty())
    ticks = asyncio.create_task(progress.tick())
    try:
        yield progress
    finally:
        ticks.cancel()
        progress.show()
        _tell("\n")


@dataclass(frozen=True)
class Progress:
    """Shows progress, and counts it."""

    items: int
    tally: Tally
    started_us: int
    is_terminal: bool

    def follow(self, event: Event) -> None:
        """Count one more thing that happened, and show it if it is a state change."""
        if isinstance(event, Change):
            self._show_change(event)
        self.tally.add(event)

    async def tick(self) -> None:
        """Show how far it is, again and again."""
        while True:
            self.show()
            await asyncio.sleep(0.1 if self.is_terminal else 1)

    def show(self) -> None:
        """Show how far it is."""
        self._clear()
        # A line that is longer than the terminal is wide must not go on in the next one.
        _tell(f"\x1b[?7l{self._line()}\x1b[?7h" if self.is_terminal else f"{self._line()}\n")

    def _show_change(self, change: Change) -> None:
        at = seconds(ms_since(self.started_us, change.at_us))
        self._clear()
        _tell(f"{at:>8}  circuit {change.before} -> {change.after}: {change.why}\n")

    def _clear(self) -> None:
        if self.is_terminal:
            _tell("\r\x1b[2K")

    def _line(self) -> str:
        at, tally = seconds(ms_since(self.started_us, now_us())), self.tally
        counts = f"passed {tally.passed}  failed {tally.failed}  failed fast {tally.failed_fast}"
        return f"{at:>8}  {self._share()}  {counts}  circuit {tally.circuit}"

    def _share(self) -> str:
        """How much is done: a bar on a terminal, else numbers."""
        if not self.is_terminal:
            return f"{self.tally.done} of {self.items}"
        filled = self.tally.done * _BAR_CELLS // self.items
        return f"[{'#' * filled:.<{_BAR_CELLS}}]"


def _announce(settings: Settings, key: str) -> None:
    store = "memory" if settings.redis is None else without_password(settings.redis)
    _tell(
        f"{settings.items} items, {settings.rate} a second at most, {settings.failures} failures open the circuit; "
        f"state in {store} under {quoted(key)}\n"
    )
    if settings.fail_from > 0:
        _tell(f"the server will fail for {settings.fail_for_ms} ms from its request {settings.fail_from} on\n\n")


def _tell(text: str) -> None:
    sys.stderr.write(text)
    sys.stderr.flush()
