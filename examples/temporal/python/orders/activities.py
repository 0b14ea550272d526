"""Activities guarded by the SDK: one limiter and one circuit, shared by all workers on the same Redis."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from temporalio import activity
from tidegate import Decision, RateLimitError
from tidegate.aio import CircuitBreaker, RateLimiter

from .failures import as_failures
from .heartbeat import heartbeats
from .model import Order, Payment, Place, Step
from .payments import PaymentApi


@dataclass(frozen=True)
class Activities:
    """The activities, and what they are made of."""

    limiter: RateLimiter
    circuit: CircuitBreaker
    payments: PaymentApi

    @activity.defn(name="admit")
    async def admit(self, order: Order, held: Place | None) -> Step:
        """Takes one step towards a permit and never sleeps: goes, or is told when to come back."""
        held = held or {}
        if "chargedAtUs" in held:
            # A reserved place has been charged, and its time has come.
            return Step(go=True, waitMs=0, held=held)
        with as_failures():
            ticket, priority = held.get("ticket"), order["priority"]
            decision = await self.limiter.decide(order["merchantId"], ticket, priority=priority)
            return self._step(decision)

    @activity.defn(name="giveBack")
    async def give_back(self, order: Order, held: Place) -> None:
        """Leaves the queue, or gives a permit back that was not used."""
        key = order["merchantId"]
        if "ticket" in held:
            await self.limiter.cancel(key, held["ticket"])
        elif "chargedAtUs" in held:
            await self.limiter.refund(key, charged_at_us=held["chargedAtUs"])

    @activity.defn(name="charge")
    async def charge(self, order: Order) -> Payment:
        """Asks the payment API, unless the circuit is open."""
        with as_failures():
            async with self.circuit.permit():
                return await self.payments.charge(order)

    @activity.defn(name="admitAndCharge")
    async def admit_and_charge(self, order: Order) -> Payment:
        """The simple form, for waits of seconds: waits in the queue and then asks the payment API, in one activity.

        A cancelled activity leaves the queue; it needs a heartbeat timeout to hear of it.
        """
        with as_failures():
            async with heartbeats():
                await self.limiter.acquire(order["merchantId"], priority=order["priority"])
                async with self.circuit.permit():
                    return await self.payments.charge(order)

    def all(self) -> list[Callable[..., Any]]:
        """All of them, for a worker."""
        return [self.admit, self.give_back, self.charge, self.admit_and_charge]

    def _step(self, decision: Decision) -> Step:
        """What a decision is to a workflow."""
        if decision.verdict == "denied":
            raise RateLimitError(self.limiter.name, decision)
        held = Place()
        if decision.ticket is not None:
            held["ticket"] = decision.ticket
        if decision.charged_at_us is not None:
            held["chargedAtUs"] = decision.charged_at_us
        return Step(go=decision.verdict == "allowed", waitMs=decision.wait_ms, held=held)
