"""How the outcome of a guarded call is brought to its circuit: for threads, for tasks, and for what nobody waits for.

The operation has happened by then. Whatever goes wrong here is logged, so that the caller gets the result or the error
of the operation, and no other.
"""

from __future__ import annotations

from typing import Protocol, TypeVar

from tidegate import _tidegate as _core
from tidegate._strategies.circuit_breaker.failure import Failure, errors_of, not_recorded
from tidegate._strategies.circuit_breaker.node.results import PassageParts
from tidegate._strategies.circuit_breaker.rules import Outcome
from tidegate._tidegate import CircuitReport, Permit

A = TypeVar("A", CircuitReport, PassageParts)


class Settling(Protocol):
    """Where the outcome of one call goes."""

    def settle(self, outcome: Outcome, elapsed_ms: float) -> None:
        """Brings it, and returns when the circuit has it."""

    async def settle_later(self, outcome: Outcome, elapsed_ms: float) -> None:
        """The same for a task. One that is cancelled meanwhile ends when the circuit has it."""

    def settle_unheard(self, elapsed_ms: float) -> None:
        """The call was given up, by one who cannot wait."""


class NoSettling:
    """A call that goes with the permit of another, or that was admitted without the store: nothing is recorded."""

    def settle(self, outcome: Outcome, elapsed_ms: float) -> None:
        """Nothing."""

    async def settle_later(self, outcome: Outcome, elapsed_ms: float) -> None:
        """Nothing."""

    def settle_unheard(self, elapsed_ms: float) -> None:
        """Nothing."""


NOTHING = NoSettling()


class CircuitSettling:
    """Where the outcome of a call goes that a circuit admitted."""

    __slots__ = ("_circuit", "_permit")

    def __init__(self, circuit: _core.CircuitBreaker, permit: Permit) -> None:
        """Takes the permit of its admission."""
        self._circuit = circuit
        self._permit = permit

    def settle(self, outcome: Outcome, elapsed_ms: float) -> None:
        """See `Settling.settle`."""
        circuit, permit = self._circuit, self._permit
        try:
            if outcome == "success":
                circuit.succeeded(permit, elapsed_ms)
            elif isinstance(outcome, Failure):
                circuit.failed(permit, elapsed_ms, errors_of(outcome))
            else:
                circuit.cancelled(permit, given_up_ms(outcome, elapsed_ms))
        except Exception as error:  # noqa: BLE001 - the caller gets the operation's.
            not_recorded(circuit.name, error)

    async def settle_later(self, outcome: Outcome, elapsed_ms: float) -> None:
        """See `Settling.settle_later`."""
        circuit, permit = self._circuit, self._permit
        try:
            if outcome == "success":
                await _heard(circuit.start_succeeded(permit, elapsed_ms))
            elif isinstance(outcome, Failure):
                await _heard(circuit.start_failed(permit, elapsed_ms, errors_of(outcome)))
            else:
                await _heard(circuit.start_cancelled(permit, given_up_ms(outcome, elapsed_ms)))
        except Exception as error:  # noqa: BLE001 - the caller gets the operation's.
            not_recorded(circuit.name, error)

    def settle_unheard(self, elapsed_ms: float) -> None:
        """See `Settling.settle_unheard`."""
        self._circuit.give_back(self._permit, elapsed_ms)


def given_up_ms(outcome: Outcome, elapsed_ms: float) -> float:
    """How long a call took that has no outcome. One that counts for nothing is not slow either."""
    return elapsed_ms if outcome == "given-up" else 0


class NodeSettling:
    """Where the outcome of a call goes that a circuit breaker node admitted."""

    def __init__(self, node: _core.CircuitBreakerNode, token: str | None) -> None:
        """Takes the token of its admission."""
        self._node = node
        self._token = token
        self.parts: PassageParts | None = None
        """What the node answered."""

    def settle(self, outcome: Outcome, elapsed_ms: float) -> None:  # noqa: ARG002 - nodes time their calls themselves.
        """See `Settling.settle`."""
        node, token = self._node, self._token
        try:
            if isinstance(outcome, Failure):
                self.parts = node.failed(token, errors_of(outcome))
            elif outcome == "success":
                self.parts = node.succeeded(token)
            elif token is not None:
                self.parts = node.cancelled(token)
        except Exception as error:  # noqa: BLE001 - the caller gets the operation's.
            not_recorded(node.circuit_id(), error)

    async def settle_later(self, outcome: Outcome, elapsed_ms: float) -> None:  # noqa: ARG002 - likewise.
        """See `Settling.settle_later`."""
        node, token = self._node, self._token
        try:
            if isinstance(outcome, Failure):
                self.parts = await _heard(node.start_failed(token, errors_of(outcome)))
            elif outcome == "success":
                self.parts = await _heard(node.start_succeeded(token))
            elif token is not None:
                self.parts = await _heard(node.start_cancelled(token))
        except Exception as error:  # noqa: BLE001 - the caller gets the operation's.
            not_recorded(node.circuit_id(), error)

    def settle_unheard(self, elapsed_ms: float) -> None:  # noqa: ARG002 - likewise.
        """See `Settling.settle_unheard`."""
        if self._token is not None:
            self._node.give_back(self._token)


async def _heard(answer: A | _core.Pending[A]) -> A:
    if not isinstance(answer, _core.Pending):
        return answer
    from tidegate._loops import hear_out  # Not above: see `tidegate.__getattr__`.

    return await hear_out(answer)
