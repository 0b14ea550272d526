"""What a call failed with, as the patterns of a circuit's settings see it."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from tidegate._errors import TidegateError

log = logging.getLogger("tidegate")

_CODES = ("code", "status_code", "status", "errno")


@dataclass(frozen=True)
class Failure:
    """An error by its name, message and code. Empty text where there is none."""

    name: str
    """The name of the error's class."""
    message: str = ""
    """Its message."""
    code: str = ""
    """Its code, such as an HTTP status."""

    @classmethod
    def of(cls, error: BaseException) -> Failure:
        """The name of an exception's class, its message, and its code.

        The code is the first of the attributes ``code``, ``status_code``, ``status`` and ``errno`` that holds a text or
        a whole number.
        """
        values = (getattr(error, name, None) for name in _CODES)
        code = next((str(value) for value in values if isinstance(value, (str, int))), "")
        return cls(type(error).__name__, _message(error), code)


def _message(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # noqa: BLE001 - an error that cannot be shown is still an error of the operation.
        return ""


def as_failure(failure: Failure | BaseException) -> Failure:
    """What an exception counts by."""
    return failure if isinstance(failure, Failure) else Failure.of(failure)


def not_recorded(circuit: str, error: TidegateError) -> None:
    """The operation has happened; its caller is better served with its result than with this."""
    log.warning("the outcome of a call through circuit %r was not recorded: %s", circuit, error)
