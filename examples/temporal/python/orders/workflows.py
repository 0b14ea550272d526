"""Orders that wait for their turn at a payment API that allows this many calls a second, and fails at times."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, TypeVar

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError, ApplicationError

from .model import JsonObject, NodePolicies, NodeStep, Order, Payment, Place, Receipt, Step
from .turn import AnyStep, Steps, Turn, best_effort, take_turn

T = TypeVar("T")
S = TypeVar("S", bound=AnyStep)

# This many turns an order has at most, each with a call of the payment API or a circuit that
# refuses it.
_MAX_TURNS = 10

# Until the next turn where a failure does not say.
_RETRY = timedelta(seconds=1)


async def _quick(result_type: type[T], name: str, *args: Any) -> T:
    """A step, which takes milliseconds.

    The server retries it; one that was denied when the limiter said so, which its failure carries. A step whose answer
    was lost has taken a place for nobody, which the queue passes over.
    """
    result: T = await workflow.execute_activity(
        name, args=args, result_type=result_type, start_to_close_timeout=timedelta(seconds=10)
    )
    return result


async def _once(result_type: type[T], name: str, *args: Any) -> T:
    """One attempt.

    Whoever calls the payment API again needs a permit again; and a permit given back twice would be one too many, where
    one that is not given back only comes back later.
    """
    result: T = await workflow.execute_activity(
        name,
        args=args,
        result_type=result_type,
        start_to_close_timeout=timedelta(seconds=30),
        retry_policy=RetryPolicy(maximum_attempts=1),
    )
    return result


@workflow.defn(name="orderWorkflow")
class OrderWorkflow:
    """Pays an order, guarded by the SDK's limiter and circuit."""

    @workflow.run
    async def run(self, order: Order) -> Receipt:
        async def take(held: Place | None) -> Step:
            return await _quick(Step, "admit", order, held)

        async def give_back(held: Place) -> None:
            await _once(type(None), "giveBack", order, held)

        steps: Steps[Place, Step] = Steps(take, give_back)
        return await _in_turns(
            lambda: take_turn(steps),
            lambda _: _once(Payment, "charge", order),
            lambda step: give_back(step["held"]),
        )


@workflow.defn(name="simpleOrderWorkflow")
class SimpleOrderWorkflow:
    """Pays an order in one activity that waits in the queue by itself: less to write.

    The server retries it, each attempt with a permit of its own; the heartbeats bring it a cancellation.
    """

    @workflow.run
    async def run(self, order: Order) -> Payment:
        payment: Payment = await workflow.execute_activity(
            "admitAndCharge",
            order,
            result_type=Payment,
            start_to_close_timeout=timedelta(minutes=15),
            heartbeat_timeout=timedelta(seconds=15),
            retry_policy=RetryPolicy(maximum_attempts=10),
        )
        return payment


@workflow.defn(name="nodeOrderWorkflow")
class NodeOrderWorkflow:
    """Pays an order, guarded by nodes as a workflow editor configures them."""

    @workflow.run
    async def run(self, policies: NodePolicies, context: JsonObject) -> Receipt:
        async def take(token: str | None) -> NodeStep:
            return await _quick(NodeStep, "rateLimiterNode", policies["rateLimiter"], context, token)

        async def give_back(token: str) -> None:
            await _once(type(None), "leaveRateLimiterNode", policies["rateLimiter"], context, token)

        steps: Steps[str, NodeStep] = Steps(take, give_back)
        return await _in_turns(
            lambda: take_turn(steps),
            lambda step: _once(Payment, "chargeNode", policies["circuitBreaker"], step.get("context", context)),
            lambda step: give_back(step["held"]),
        )


async def _in_turns(
    take: Callable[[], Awaitable[Turn[S]]],
    call: Callable[[S], Awaitable[Payment]],
    give_back_unused: Callable[[S], Awaitable[None]],
) -> Receipt:
    """Takes turns until the call succeeds. A permit that an open circuit left unused is given back."""
    queued_ms = turns = 0
    while True:
        turn = await take()
        turns += 1
        queued_ms += turn.queued_ms
        try:
            payment = await call(turn.step)
            return Receipt(paymentId=payment["paymentId"], turns=turns, queuedMs=queued_ms)
        except ActivityError as error:
            failure = error.cause
            if isinstance(failure, ApplicationError) and failure.type == "CircuitOpen":
                await best_effort(give_back_unused(turn.step))
            if not isinstance(failure, ApplicationError) or failure.non_retryable or turns == _MAX_TURNS:
                raise
            await workflow.sleep(failure.next_retry_delay or _RETRY)


WORKFLOWS = [OrderWorkflow, SimpleOrderWorkflow, NodeOrderWorkflow]
"""All of them, for a worker."""
