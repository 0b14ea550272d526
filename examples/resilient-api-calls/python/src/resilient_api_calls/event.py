"""What happens in a workflow, as workers tell it: in one process by a call, from another as lines of JSON.

That JSON is the same in every language.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Literal, TypeAlias

Fallback: TypeAlias = Literal["last-answer", "default"]
"""What an item that is refused makes do with: the last good answer, or a fixed one before there was any."""


@dataclass(frozen=True, slots=True)
class PermitGiven:
    """A permit of the rate limiter."""

    at_us: int
    """When it was charged on the store's clock, in microseconds since 1970."""
    waited_us: int
    """How long the item waited for it, in microseconds."""


@dataclass(frozen=True, slots=True)
class Passed:
    """The server answered the item."""


@dataclass(frozen=True, slots=True)
class Failed:
    """The item was sent and the server did not answer it well."""

    answer: str
    """What came instead, such as ``503 Service Unavailable``."""


@dataclass(frozen=True, slots=True)
class FailedFast:
    """The circuit refused the item, and it made do with this."""

    fallback: Fallback


@dataclass(frozen=True, slots=True)
class Denied:
    """The rate limiter did not let the item go."""


@dataclass(frozen=True, slots=True)
class Undecided:
    """There was no decision, because the store did not answer: the item was not sent."""

    error: str


Outcome: TypeAlias = Passed | Failed | FailedFast | Denied | Undecided
"""What became of an item."""


@dataclass(frozen=True, slots=True)
class Done:
    """An item is done with."""

    item: int
    """Which one, counted from 0."""
    permit: PermitGiven | None
    """The permit of the rate limiter; None: it gave none."""
    outcome: Outcome
    """What became of it."""


@dataclass(frozen=True, slots=True)
class Change:
    """A state change of the circuit, told by the one process whose call made it."""

    at_us: int
    """When, on the store's clock, in microseconds since 1970."""
    before: str
    """The state before: ``closed``, ``open`` or ``half-open``."""
    after: str
    """The state after."""
    cause: str
    """Why, such as ``open-elapsed``."""

    @property
    def why(self) -> str:
        """Why, for a person."""
        return _REASONS.get(self.cause, self.cause)


_REASONS = {
    "failures": "too many failures",
    "open-elapsed": "its time was over: probes may go",
    "probe-failed": "a probe failed",
    "probes-succeeded": "the probes succeeded",
}


@dataclass(frozen=True, slots=True)
class Unrecorded:
    """The outcome of a request could not be told to the circuit."""

    error: str


Event: TypeAlias = Done | Change | Unrecorded
"""Something that happened."""

Events: TypeAlias = Callable[[Event], None]
"""Where a worker tells what happens."""


def to_wire(event: Event) -> dict[str, Any]:
    """What a worker process writes of an event, as JSON has it."""
    match event:
        case Done(item, permit, outcome):
            given = None if permit is None else asdict(permit)
            return {"done": {"item": item, "permit": given, "outcome": _outcome_to_wire(outcome)}}
        case Change():
            return {"changed": asdict(event)}
        case Unrecorded():
            return {"unrecorded": asdict(event)}


def _outcome_to_wire(outcome: Outcome) -> str | dict[str, Any]:
    match outcome:
        case Passed():
            return "passed"
        case Failed(answer):
            return {"failed": {"with": answer}}
        case FailedFast(fallback):
            return {"failed-fast": fallback}
        case Denied():
            return "denied"
        case Undecided(error):
            return {"undecided": {"error": error}}


def from_wire(wire: dict[str, Any]) -> Event:
    """Reads what a worker process wrote, in whatever language.

    Raises:
        ValueError: it is no event.
    """
    match wire:
        case {"done": {"item": item, "permit": permit, "outcome": outcome}}:
            given = None if permit is None else PermitGiven(**permit)
            return Done(item, given, _outcome_from_wire(outcome))
        case {"changed": change}:
            return Change(**change)
        case {"unrecorded": {"error": error}}:
            return Unrecorded(error)
    raise ValueError(f"{wire} is no event")


def _outcome_from_wire(wire: str | dict[str, Any]) -> Outcome:
    match wire:
        case "passed":
            return Passed()
        case {"failed": {"with": answer}}:
            return Failed(answer)
        case {"failed-fast": ("last-answer" | "default") as fallback}:
            return FailedFast(fallback)
        case "denied":
            return Denied()
        case {"undecided": {"error": error}}:
            return Undecided(error)
    raise ValueError(f"{wire!r} is no outcome")
