"""Counting what happened."""

from bisect import insort
from collections import Counter
from dataclasses import dataclass, field

from resilient_api_calls.event import (
    Change,
    Denied,
    Done,
    Event,
    Failed,
    FailedFast,
    Outcome,
    Passed,
    PermitGiven,
    Undecided,
    Unrecorded,
)


@dataclass
class Tally:
    """What happened so far."""

    passed: int = 0
    """Items that the server answered well."""
    failed: int = 0
    """Items that were sent and not answered well."""
    failures: Counter[str] = field(default_factory=Counter)
    """What came instead of a good answer, and how often."""
    fell_back_on_last_answer: int = 0
    """Items that the circuit refused and that made do with the last good answer."""
    fell_back_on_default: int = 0
    """Items that the circuit refused and that made do with a fixed answer."""
    denied: int = 0
    """Items that the rate limiter did not let go."""
    undecided: int = 0
    """Items without a decision."""
    permits: dict[int, PermitGiven] = field(default_factory=dict)
    """The permits that the rate limiter gave, by item."""
    changes: list[Change] = field(default_factory=list)
    """The state changes of the circuit, by time."""
    unrecorded: int = 0
    """Outcomes that the circuit was not told."""
    last_trouble: str = "no reason was given"
    """Why there was no decision or an outcome was not recorded, the last one."""

    def add(self, event: Event) -> None:
        """Count one more thing that happened."""
        match event:
            case Done(item, permit, outcome):
                if permit is not None:
                    self.permits[item] = permit
                self._add_outcome(outcome)
            case Change():
                # Those of several processes may come out of order.
                insort(self.changes, event, key=lambda change: change.at_us)
            case Unrecorded(error):
                self.unrecorded += 1
                self.last_trouble = error

    def _add_outcome(self, outcome: Outcome) -> None:
        match outcome:
            case Passed():
                self.passed += 1
            case Failed(answer):
                self.failed += 1
                self.failures[answer] += 1
            case FailedFast("last-answer"):
                self.fell_back_on_last_answer += 1
            case FailedFast():
                self.fell_back_on_default += 1
            case Denied():
                self.denied += 1
            case Undecided(error):
                self.undecided += 1
                self.last_trouble = error

    @property
    def failed_fast(self) -> int:
        """Items that the circuit refused."""
        return self.fell_back_on_last_answer + self.fell_back_on_default

    @property
    def done(self) -> int:
        """Items that are done with."""
        return self.passed + self.failed + self.failed_fast + self.denied + self.undecided

    @property
    def circuit(self) -> str:
        """The circuit's state by its last change."""
        return self.changes[-1].after if self.changes else "closed"
