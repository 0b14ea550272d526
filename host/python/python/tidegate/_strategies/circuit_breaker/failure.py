"""What a call failed with, as the patterns of a circuit's settings see it.

Reading an error may itself fail: a property that asks a closed session, a text that is not Unicode. Whatever cannot be
read is taken as absent, since the caller is to get the error of the operation and no other.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, TypeAlias, cast

from tidegate._errors import TidegateError
from tidegate._log import log

Texts: TypeAlias = tuple[str, str, str, str]
"""Name, message, code and status of an error."""

_CODES = ("code", "status_code", "status", "errno")
_STATUSES = ("status_code", "status")
# The policy looks at this many texts of a failure, and at so much of each.
_MOST_CAUSES = 15
_MOST_OWN_CAUSES = 7
_MOST_TEXT = 8_192


@dataclass(frozen=True)
class Failure:
    """An error by its name, message, code and status, and what it came from. Empty text where there is none."""

    name: str
    """The name of the error's class."""
    message: str = ""
    """Its message."""
    code: str = ""
    """Its code, such as an errno; where it has none, its status."""
    status: str = ""
    """The status of the reply it tells of, such as 503."""
    causes: Sequence[Failure] = ()
    """What it came from, and the names of the classes that it is one of. A pattern that matches one of them matches."""

    @classmethod
    def of(cls, error: BaseException) -> Failure:
        """The name of an exception's class, its message, its code and its status, with its causes and base classes.

        The code is the first of the attributes ``code``, ``status_code``, ``status`` and ``errno`` that holds a text or
        a whole number; the status is that of the error or of its ``response``. Causes are ``__cause__``, or else
        ``__context__`` unless it is suppressed, and the members of an exception group.
        """
        causes = tuple(cls._alone(cause) for cause in _causes(error))
        bases = tuple(cls(base.__name__) for base in type(error).__mro__[1:] if base not in (BaseException, object))
        return replace(cls._alone(error), causes=(*causes, *bases)[:_MOST_CAUSES])

    @classmethod
    def _alone(cls, error: BaseException) -> Failure:
        status = status_of(error)
        code = next((text for text in (_text(error, name) for name in _CODES) if text), "")
        return cls(type(error).__name__, _message(error), code or status, status)

    def with_names(self, names: list[str]) -> Failure:
        """The same, known by more names."""
        if not names:
            return self
        return replace(self, causes=(*(Failure(name) for name in names), *self.causes)[:_MOST_CAUSES])


def status_of(thing: object) -> str:
    """The HTTP status of a reply, or of an error by itself or by its ``response``; empty where there is none."""
    own = next((text for text in (_text(thing, name) for name in _STATUSES) if text), "")
    if own:
        return own
    response = _attribute(thing, "response")
    if isinstance(response, Mapping):
        # As botocore has it.
        about = cast("Mapping[str, Any]", response).get("ResponseMetadata")
        return as_text(cast("Mapping[str, Any]", about).get("HTTPStatusCode")) if isinstance(about, Mapping) else ""
    if response is None:
        return ""
    return next((text for text in (_text(response, name) for name in _STATUSES) if text), "")


def as_text(value: object) -> str:
    """A text or a whole number as Unicode, of bounded length; empty for anything else."""
    if not isinstance(value, (str, int)) or isinstance(value, bool):
        return ""
    try:
        text = str(value)[:_MOST_TEXT]
        return text.encode("utf-8", "backslashreplace").decode("utf-8")
    except Exception:  # noqa: BLE001 - a text that cannot be read is none.
        return ""


def _attribute(thing: object, name: str) -> object:
    try:
        return getattr(thing, name, None)
    except Exception:  # noqa: BLE001 - a property that fails is still of an error of the operation.
        return None


def _text(thing: object, name: str) -> str:
    return as_text(_attribute(thing, name))


def _message(error: BaseException) -> str:
    try:
        return as_text(str(error))
    except Exception:  # noqa: BLE001 - an error that cannot be shown is still an error of the operation.
        return ""


def _causes(error: BaseException) -> list[BaseException]:
    """What an error came from, the nearest first, each once."""
    found: list[BaseException] = []
    seen = {id(error)}
    line = [error]
    while line and len(found) < _MOST_OWN_CAUSES:
        for cause in _direct_causes(line.pop(0)):
            if id(cause) not in seen:
                seen.add(id(cause))
                found.append(cause)
                line.append(cause)
    return found[:_MOST_OWN_CAUSES]


def _direct_causes(error: BaseException) -> Iterator[BaseException]:
    if error.__cause__ is not None:
        yield error.__cause__
    elif error.__context__ is not None and not error.__suppress_context__:
        yield error.__context__
    yield from members(error)


def members(error: BaseException) -> Iterator[BaseException]:
    """The errors that an exception group holds; Python 3.10 has groups by a package, and none of its own."""
    inside = _attribute(error, "exceptions")
    if isinstance(inside, tuple):
        for each in cast("tuple[object, ...]", inside):
            if isinstance(each, BaseException):
                yield each


def errors_of(failure: Failure | BaseException) -> list[Texts]:
    """What the core is told of a failure: the error and then its causes, each before its own; 16 at most."""
    failure = failure if isinstance(failure, Failure) else Failure.of(failure)
    return list(islice(_texts_of(failure), 1 + _MOST_CAUSES))


def _texts_of(failure: Failure) -> Iterator[Texts]:
    yield as_text(failure.name), as_text(failure.message), as_text(failure.code), as_text(failure.status)
    for cause in failure.causes:
        yield from _texts_of(cause)


def not_recorded(circuit: str, error: Exception) -> None:
    """The operation has happened; its caller is better served with its result than with this."""
    known = isinstance(error, TidegateError)
    log().warning(
        "the outcome of a call through circuit %r was not recorded: %s",
        circuit,
        error,
        exc_info=None if known else error,
    )


def http_failure(reply: object) -> Failure | None:
    """A reply that says the server has failed: a status of 500 and more, 408 or 429. For ``failure_if``.

    It knows replies by ``status_code`` (httpx, requests) or ``status`` (aiohttp, urllib).
    """
    status = status_of(reply)
    if status.isdecimal() and (int(status) >= 500 or int(status) in (408, 429)):
        return Failure("HttpStatus", f"the reply has status {status}", status, status)
    return None
