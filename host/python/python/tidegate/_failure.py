"""What a call failed with, as the patterns of a circuit's settings see it."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TypeAlias

from tidegate._errors import TidegateError

log = logging.getLogger("tidegate")

Texts: TypeAlias = tuple[str, str, str, str]
"""Name, message, code and status of an error."""

_CODES = ("code", "status_code", "status", "errno")


@dataclass(frozen=True)
class Failure:
    """An error by its name, message, code and status, and its causes. Empty text where there is none."""

    name: str
    """The name of the error's class."""
    message: str = ""
    """Its message."""
    code: str = ""
    """Its code, such as an errno."""
    status: str = ""
    """Its status, such as that of an HTTP reply."""
    causes: Sequence[Failure] = ()
    """What caused it, which patterns see as well: of an error and its causes the first 16."""

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


def errors_of(failure: Failure | BaseException) -> list[Texts]:
    """What the core is told of a failure: the error and then its causes, each before its own; 16 at most."""
    failure = failure if isinstance(failure, Failure) else Failure.of(failure)
    return list(islice(_texts_of(failure), 16))


def _texts_of(failure: Failure) -> Iterator[Texts]:
    yield failure.name, failure.message, failure.code, failure.status
    for cause in failure.causes:
        yield from _texts_of(cause)


def not_recorded(circuit: str, error: TidegateError) -> None:
    """The operation has happened; its caller is better served with its result than with this."""
    log.warning("the outcome of a call through circuit %r was not recorded: %s", circuit, error)
