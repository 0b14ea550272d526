"""What a call failed with, as the patterns of a circuit's settings see it."""

from __future__ import annotations

from dataclasses import dataclass

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
