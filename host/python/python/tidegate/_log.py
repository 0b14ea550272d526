"""The logger of the package."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import logging


def log() -> logging.Logger:
    """Fetched when there is something to say, since `logging` takes a tenth of the time that a first decision has."""
    import logging

    return logging.getLogger("tidegate")
