"""How a guarded call is bounded in time, and what its end counts as."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Literal, TypeAlias

from tidegate._errors import ConfigError, MisuseError, Problem, TidegateError
from tidegate._log import log
from tidegate._strategies.circuit_breaker.errors import CallTimeoutError
from tidegate._strategies.circuit_breaker.failure import Failure, members, status_of

FailureOf: TypeAlias = Callable[[BaseException], Failure]
"""What an exception counts by."""

FailureIf: TypeAlias = Callable[[Any], "Failure | bool | None"]
"""Whether a result counts as a failure, and as which."""

Outcome: TypeAlias = Failure | Literal["success", "given-up", "nothing"]
"""What the end of a call counts as. One that was given up may have been slow."""

# How far down its causes an error is looked at for a refusal.
_MOST_CAUSES = 16
_LONGEST_MS = 86_400_000


@dataclass(frozen=True)
class Rules:
    """The rules of a handle's calls."""

    timeout_ms: float | None = None
    failure_of: FailureOf = Failure.of
    failure_if: FailureIf | None = None
    count_refusals: bool = False
    classes: tuple[type[BaseException], ...] = ()
    """The exception classes among the patterns of the settings."""

    takes_any: bool = field(init=False, compare=False)
    """Whether every result is a success, whenever it comes."""

    def __post_init__(self) -> None:
        """Looks once at what each call would ask."""
        object.__setattr__(self, "takes_any", self.timeout_ms is None and self.failure_if is None)

    def but(
        self,
        *,
        timeout_ms: float | timedelta | None = None,
        failure_of: FailureOf | None = None,
        failure_if: FailureIf | None = None,
        count_refusals: bool | None = None,
    ) -> Rules:
        """These, but for what is given."""
        return replace(
            self,
            timeout_ms=self.timeout_ms if timeout_ms is None else _checked_ms(timeout_ms),
            failure_of=failure_of or self.failure_of,
            failure_if=failure_if or self.failure_if,
            count_refusals=self.count_refusals if count_refusals is None else count_refusals,
        )

    def of_result(self, result: object) -> Outcome:
        """What a call counts as that has given a result."""
        if self.failure_if is None:
            return "success"
        try:
            failure = self.failure_if(result)
        except Exception:  # noqa: BLE001 - the caller is to get its result.
            log().warning("failure_if could not judge a result, which counts as a success", exc_info=True)
            return "success"
        if isinstance(failure, Failure):
            return failure
        status = status_of(result)
        return Failure("FailureIf", "", status, status) if failure else "success"

    def of_error(self, error: BaseException) -> Outcome:
        """What a call counts as that has raised."""
        if isinstance(error, MisuseError):
            return "nothing"
        if not isinstance(error, Exception):
            return "given-up"
        if not self.count_refusals and _is_refusal(error):
            return "nothing"
        return self.read(error)

    def of_timeout(self, circuit: str, error: BaseException | None) -> Failure:
        """What a call counts as that took longer than its time limit."""
        late = Failure.of(CallTimeoutError(circuit, self.timeout_ms or 0))
        if isinstance(error, Exception) and not isinstance(error, CallTimeoutError):
            late = replace(late, causes=(Failure.of(error), *late.causes))
        return late.with_names(names_of(CallTimeoutError, self.classes))

    def read(self, error: BaseException) -> Failure:
        """What an exception counts by."""
        try:
            failure = self.failure_of(error)
            if not isinstance(failure, Failure):  # pyright: ignore[reportUnnecessaryIsInstance]
                message = f"failure_of returned {failure!r}, which is no Failure"
                raise TypeError(message)
        except Exception:  # noqa: BLE001 - the caller is to get the operation's error.
            log().warning(
                "failure_of could not read %s, which counts by its class", type(error).__name__, exc_info=True
            )
            failure = Failure.of(error)
        return failure.with_names(_names(error, self.classes))


def _checked_ms(timeout_ms: float | timedelta) -> float:
    ms = timeout_ms / timedelta(milliseconds=1) if isinstance(timeout_ms, timedelta) else timeout_ms
    if isinstance(ms, (int, float)) and not isinstance(ms, bool) and 0 < ms <= _LONGEST_MS:  # pyright: ignore[reportUnnecessaryIsInstance]
        return ms
    allowed = f"more than 0 and at most {_LONGEST_MS} milliseconds"
    problem = Problem("timeout_ms", f"timeout_ms is {timeout_ms!r}, must be {allowed}", repr(timeout_ms), allowed)
    raise ConfigError([problem])


def _is_refusal(error: BaseException) -> bool:
    """Whether it is Tidegate's own or comes from one, and nothing that the guarded thing has done.

    A time limit that ran out is.
    """
    inside = list(members(error))
    if inside:
        return all(map(_is_refusal, inside))
    each: BaseException | None = error
    for _ in range(_MOST_CAUSES):
        if each is None or isinstance(each, TidegateError):
            break
        each = each.__cause__
    return isinstance(each, TidegateError) and not isinstance(each, CallTimeoutError)


def class_name(cls: type[BaseException]) -> str:
    """What an exception class is called among the patterns of settings."""
    return f"{cls.__module__}.{cls.__qualname__}"


def names_of(kind: type[BaseException], classes: Iterable[type[BaseException]]) -> list[str]:
    """The names of those classes that a kind of exception is one of."""
    return [class_name(cls) for cls in classes if issubclass(kind, cls)]


def _names(error: BaseException, classes: Iterable[type[BaseException]]) -> list[str]:
    """As ``except`` and ``except*`` would catch: by the error itself, or by what a group holds."""
    if not classes:
        return []
    names = names_of(type(error), classes)
    for each in members(error):
        names += [name for name in _names(each, classes) if name not in names]
    return names
