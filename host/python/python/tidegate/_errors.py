"""Errors. Each can be pickled, so that it survives the way between processes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with a configuration."""

    path: str
    """Where, as a path from the root of the configuration: ``limits[1].window``."""
    message: str
    """All of it as a sentence."""
    value: str | None = None
    """The value found there; None where the message alone tells."""
    allowed: str | None = None
    """What is allowed there, as a phrase that completes "must be ..."."""


class TidegateError(Exception):
    """Whatever Tidegate raises.

    A copy, also one that is pickled, keeps the fields and the cause, and has the stack as a note.
    """

    def __reduce__(self) -> tuple[Any, ...]:
        """What it is made from, and then what was set on it."""
        return type(self), self._made_of(), _state_of(self)

    def _made_of(self) -> tuple[Any, ...]:
        return self.args


class MisuseError(TidegateError, TypeError):
    """A call was put in a way that cannot work, such as a plain function on the asyncio face. It counts for nothing."""


class ConfigError(TidegateError, ValueError):
    """A configuration is wrong: everything that is."""

    def __init__(self, problems: Sequence[Problem], name: str | None = None) -> None:
        """Takes all problems, and the name in the configuration."""
        super().__init__(problems, name)
        self.problems: tuple[Problem, ...] = tuple(problems)
        self.name = name

    def __str__(self) -> str:
        """All problems in a line."""
        problems = "; ".join(problem.message for problem in self.problems)
        return problems if self.name is None else f"{self.name!r} is not a valid configuration: {problems}"


class InputError(TidegateError, ValueError):
    """What a workflow node was given, its context or a token, is wrong: everything that is."""

    def __init__(self, problems: Sequence[Problem], node: str) -> None:
        """Takes all problems, with paths such as ``context.userId``, and the node's type."""
        super().__init__(problems, node)
        self.problems: tuple[Problem, ...] = tuple(problems)
        self.node = node

    def __str__(self) -> str:
        """All problems in a line."""
        return f"the {self.node} node cannot go on: {'; '.join(problem.message for problem in self.problems)}"


StoreErrorReason: TypeAlias = Literal["timed-out", "away", "refused", "full"]
"""Why a store did not answer.

``timed-out``: not within the time limit. ``away``: it cannot be reached, or the connection broke. ``refused``: it
answered with an error, such as missing rights or no memory left. ``full``: it holds as many entities as it may.
"""


class StoreError(TidegateError, ConnectionError):
    """The store did not answer, or refused. ``when_away`` says what to answer instead."""

    def __init__(self, message: str, reason: StoreErrorReason = "away") -> None:
        """Takes what happened, and why in a word."""
        super().__init__(message)
        self.reason: StoreErrorReason = reason

    @property
    def is_away(self) -> bool:
        """Whether the store was silent or cannot be reached; one that refused, or is full, has answered."""
        return self.reason in ("timed-out", "away")

    def _made_of(self) -> tuple[Any, ...]:
        # An `OSError` would be copied by its text.
        return str(self), self.reason


class OverloadedError(TidegateError):
    """More calls wait for the store than may, in this process. Nothing was charged.

    It says nothing of the store, which answers others, so ``when_away`` does not apply.
    """

    def __init__(self, waiting: int, limit: int) -> None:
        """Takes how many wait, and how many may."""
        super().__init__(waiting, limit)
        self.waiting = waiting
        self.limit = limit

    def __str__(self) -> str:
        """How many wait, and how many may."""
        return f"{self.waiting} calls wait for the store in this process, and no more than {self.limit} may"


class ContendedError(TidegateError):
    """Others changed the same entity again and again while this call tried to. Nothing was charged."""

    def __init__(self, attempts: int) -> None:
        """Takes how often the call tried."""
        super().__init__(attempts)
        self.attempts = attempts

    def __str__(self) -> str:
        """How often it tried."""
        return f"the call met other hosts' changes {self.attempts} times in a row and gave up"


class LoadError(TidegateError):
    """The component cannot be used, or this process has no threads to run it with."""


class PolicyError(TidegateError):
    """The component failed: a defect, and not of the caller. Nothing was charged."""


def _state_of(error: BaseException) -> dict[str, Any]:
    state: dict[str, Any] = dict(vars(error))
    if error.__cause__ is not None:
        # Set like any other attribute, by `BaseException.__setstate__`.
        state["__cause__"] = _portable(error.__cause__)
    if error.__traceback__ is not None:
        import traceback  # Not above: who copies no error needs none of it.

        lines = "".join(traceback.format_tb(error.__traceback__)).rstrip()
        state["__notes__"] = [*state.get("__notes__", []), f"raised by\n{lines}"]
    return state


def _portable(cause: BaseException) -> BaseException:
    """A cause, or what tells of one that cannot be pickled."""
    import pickle  # Not above: likewise.

    try:
        pickle.loads(pickle.dumps(cause))
    except Exception:  # noqa: BLE001 - it is the cause's own code that fails, in whatever way.
        return TidegateError(f"{type(cause).__module__}.{type(cause).__qualname__}: {cause}")
    return cause
