"""Activities guarded by workflow nodes, whose configurations come with each call."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from temporalio import activity
from temporalio.exceptions import ApplicationError
from tidegate import RateLimiterResult
from tidegate.aio import Tidegate

from .failures import as_failures
from .model import JsonObject, NodeStep, Payment, RetryAfter
from .payments import PaymentApi


@dataclass(frozen=True)
class NodeActivities:
    """The activities, and what they are made of."""

    gate: Tidegate
    payments: PaymentApi

    @activity.defn(name="rateLimiterNode")
    async def rate_limiter_node(self, config: JsonObject, context: JsonObject, token: str | None) -> NodeStep:
        """Takes one step of a rate limiter node and never sleeps. At the end the context has the node's result."""
        with as_failures():
            node = self.gate.rate_limiter_node(config)
            step = await (node.begin(context) if token is None else node.step(context, token))
            held = step.token or ""
            if step.result is None:
                return NodeStep(go=False, waitMs=step.wait_ms, held=held)
            if not step.result.passed:
                raise _not_passed(step.result)
            return NodeStep(go=True, waitMs=0, held=held, context=node.put(context, step.result))

    @activity.defn(name="leaveRateLimiterNode")
    async def leave_rate_limiter_node(self, config: JsonObject, context: JsonObject, token: str) -> None:
        """Gives back what the token of a step holds."""
        await self.gate.rate_limiter_node(config).abandon(context, token)

    @activity.defn(name="chargeNode")
    async def charge_node(self, config: JsonObject, context: JsonObject) -> Payment:
        """Asks the payment API for the order in the context, unless the circuit of a circuit breaker node is open."""
        with as_failures():
            guarded = await self.gate.with_circuit_breaker(
                config, context, lambda: self.payments.charge(context["order"])
            )
            if guarded.result is None:
                raise ApplicationError("the circuit is open", type="Skipped", non_retryable=True)
            return guarded.result

    def all(self) -> list[Callable[..., Any]]:
        """All of them, for a worker."""
        return [self.rate_limiter_node, self.leave_rate_limiter_node, self.charge_node]


def _not_passed(result: RateLimiterResult) -> ApplicationError:
    """Who has queued has waited for the longest time allowed; any other may come back."""
    if result.queued:
        return ApplicationError("the longest wait is over", type="QueueTimeout", non_retryable=True)
    after_ms = result.reset_in
    details = RetryAfter(retryAfterMs=after_ms)
    return ApplicationError("no room", details, type="RateLimited", next_retry_delay=timedelta(milliseconds=after_ms))
