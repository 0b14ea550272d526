"""What the circuit breakers of both faces have in common: all that asks no store."""

from __future__ import annotations

from typing import Any

from tidegate import _tidegate as _core
from tidegate._pickling import Gate, Uncopied, opened_again
from tidegate._settings import as_dict
from tidegate._strategies.circuit_breaker.failure import Failure, Texts, errors_of
from tidegate._strategies.circuit_breaker.flight import Flight, Identity, inside_of
from tidegate._strategies.circuit_breaker.rules import Rules
from tidegate._strategies.circuit_breaker.settling import NOTHING, CircuitSettling, Settling
from tidegate._tidegate import CircuitReport


class CircuitBreakerBase(Uncopied):
    """What a circuit breaker answers without asking a store."""

    def __init__(self, core: _core.CircuitBreaker, gate: Gate, rules: Rules) -> None:
        """See `Tidegate.circuit_breaker`."""
        self._core = core
        self._gate = gate
        self._rules = rules
        self._name, self._key = core.name, core.key
        self._identity: Identity = gate._place, self._name, self._key

    @property
    def name(self) -> str:
        """The name in the settings."""
        return self._name

    @property
    def key(self) -> str:
        """Which of the circuits of this name; empty: the one without a key."""
        return self._key

    @property
    def config(self) -> dict[str, Any]:
        """The settings as JSON has them, defaults included."""
        return as_dict(self._core.config_json())

    def __repr__(self) -> str:
        """Its class, name and key."""
        return f"CircuitBreaker({self.name!r})" if not self.key else f"CircuitBreaker({self.name!r}, {self.key!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        """The gate, what it is opened with there, and what the handle has of its own."""
        return opened_again, (self._gate, "circuit_breaker", self.config, (self.key, self._rules))

    def _again(self, key: str, rules: Rules) -> Any:
        core = self._core.keyed(key) if key else self._core
        return type(self)(core, self._gate, rules)

    def _texts(self, failure: Failure | BaseException) -> list[Texts]:
        """What the core is told of a failure."""
        return errors_of(self._rules.read(failure) if isinstance(failure, BaseException) else failure)

    def _riding(self, rules: Rules) -> tuple[Flight, Settling, CircuitReport] | None:
        """A call inside one through the same circuit goes with its permit: the outer one's outcome says it all."""
        outer = inside_of(self._identity)
        if outer is None:
            return None
        flight = Flight(self._identity, rules, self._gate._now_us, outer.report)
        return flight, NOTHING, outer.report

    def _admitted(self, rules: Rules, report: CircuitReport) -> tuple[Flight, Settling, CircuitReport]:
        flight = Flight(self._identity, rules, self._gate._now_us, report)
        # A store that was away gives no permit, and nothing is to be recorded.
        permit = report.permit
        return flight, NOTHING if permit is None else CircuitSettling(self._core, permit), report
