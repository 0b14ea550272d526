"""A guarded call under way: how long it has taken, and which calls it is inside of."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import TypeAlias

from tidegate._strategies.circuit_breaker.rules import Outcome, Rules
from tidegate._tidegate import CircuitReport

Identity: TypeAlias = tuple[object, str, str]
"""Which circuit it is: the store's place, the name and the key."""

_US_IN_MS = 1_000
# Those who take a time limit in seconds often take 0 for none.
_LEAST_S = 0.001


class Flight:
    """A call that is made, from its admission to its end. While it rests, as a stream between items, no time counts."""

    __slots__ = ("_now_us", "_since_us", "_spent_us", "identity", "is_over", "outer", "report", "rules", "timed_out")

    def __init__(self, identity: Identity, rules: Rules, now_us: Callable[[], int], report: CircuitReport) -> None:
        """Takes the clock by which the call is timed, and what the circuit answered when it was admitted."""
        self.identity = identity
        self.rules = rules
        self.report = report
        self.timed_out = False
        """Whether this call's own time limit has stopped it."""
        self.is_over = False
        """Whether its outcome is known."""
        self.outer: Flight | None = None
        self._now_us = now_us
        self._spent_us = 0
        self._since_us: int | None = None

    @property
    def circuit(self) -> str:
        """The circuit's name."""
        return self.identity[1]

    @property
    def is_under_way(self) -> bool:
        """Whether its own code is running, or waiting for something."""
        return self._since_us is not None

    def go_on_elsewhere(self) -> None:
        """It goes on in another thread."""
        self._since_us = self._now_us()

    def go_on(self) -> None:
        """Its own code runs here from now on."""
        self._since_us = self._now_us()
        self.outer = _under_way.get()
        _under_way.set(self)

    def rest(self) -> None:
        """Its own code rests, or is done."""
        self._spent_us = self._until_now_us()
        self._since_us = None
        if _under_way.get() is self:
            _under_way.set(self.outer)

    def elapsed_ms(self) -> float:
        """How long its own code has taken."""
        return self._until_now_us() / _US_IN_MS

    def left_ms(self) -> float | None:
        """What is left of its time limit; None: it has none."""
        return None if self.rules.timeout_ms is None else max(0.0, self.rules.timeout_ms - self.elapsed_ms())

    def ends(self) -> Outcome:
        """It has ended well and without a result, as a block or a stream does; says what that counts as."""
        self.is_over = True
        return self.rules.of_timeout(self.circuit, None) if self._is_late() else "success"

    def succeeds(self, result: object) -> Outcome:
        """It has ended with a result; says what that counts as."""
        if self.rules.takes_any:
            self.is_over = True
            return "success"
        outcome = self.ends()
        return self.rules.of_result(result) if outcome == "success" else outcome

    def is_given_up(self) -> Outcome:
        """Its caller wants no more of it."""
        self.is_over = True
        return "given-up"

    def fails(self, error: BaseException) -> Outcome:
        """It has ended with an error; says what that counts as."""
        self.is_over = True
        outcome = self.rules.of_error(error)
        is_failure = outcome not in ("given-up", "nothing")
        return self.rules.of_timeout(self.circuit, error) if is_failure and self._is_late() else outcome

    def _is_late(self) -> bool:
        timeout_ms = self.rules.timeout_ms
        return self.timed_out or (timeout_ms is not None and self.elapsed_ms() > timeout_ms)

    def _until_now_us(self) -> int:
        if self._since_us is None:
            return self._spent_us
        return self._spent_us + max(0, self._now_us() - self._since_us)


_under_way: ContextVar[Flight | None] = ContextVar("tidegate_under_way", default=None)


def _here() -> Iterator[Flight]:
    """The calls that this code is inside of, the innermost first. A task that one has left behind is inside no more."""
    flight = _under_way.get()
    while flight is not None:
        if flight.is_under_way:
            yield flight
        flight = flight.outer


def inside_of(identity: Identity) -> Flight | None:
    """The call through that circuit that this code is inside of, with whose permit it goes."""
    if _under_way.get() is None:
        return None
    return next((flight for flight in _here() if flight.identity == identity), None)


def remaining_s() -> float | None:
    """Seconds that are left to the guarded call that this code is inside of, by its ``timeout_ms``; None: no limit.

    For what takes a time limit of its own, such as ``requests.get(url, timeout=remaining_s())``: a function that runs
    in a thread cannot be stopped from outside. Never less than a millisecond.
    """
    left = [ms for ms in (flight.left_ms() for flight in _here()) if ms is not None]
    return max(_LEAST_S, min(left) / 1_000) if left else None
