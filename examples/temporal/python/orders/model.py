"""What the workflows and activities hand to each other: plain JSON, the same in TypeScript. Times are milliseconds."""

from __future__ import annotations

from typing import Any, TypedDict

JsonObject = dict[str, Any]
"""Any JSON object."""


class Order(TypedDict):
    """An order to be paid."""

    orderId: str
    # Whose account pays. All orders of a merchant share its rate limit.
    merchantId: str
    amountCents: int
    # In the queue, higher goes first.
    priority: int


class Payment(TypedDict):
    """What the payment API answers."""

    paymentId: str


class Receipt(TypedDict):
    """What an order came to."""

    paymentId: str
    # How often the workflow had its turn.
    turns: int
    # What the workflow was told to wait in the queue, summed up.
    queuedMs: int


class Place(TypedDict, total=False):
    """What a step at the rate limiter has taken."""

    # A place in the queue.
    ticket: int
    # A permit, charged at this time in microseconds since 1970.
    chargedAtUs: int


class Step(TypedDict):
    """One step towards a permit."""

    # Whether it is this order's turn. If not: come back with `held` after `waitMs`.
    go: bool
    waitMs: int
    # What the step has taken: a place in the queue, or the permit itself. It is brought back, or
    # given back.
    held: Place


class _NodeStep(TypedDict):
    go: bool
    waitMs: int
    # The node's token: likewise brought back, or given back.
    held: str


class NodeStep(_NodeStep, total=False):
    """A step of a rate limiter node."""

    # At the end: the context that has the node's result.
    context: JsonObject


class NodePolicies(TypedDict):
    """What a workflow editor sends with an order."""

    # A rate limiter node's configuration.
    rateLimiter: JsonObject
    # A circuit breaker node's configuration.
    circuitBreaker: JsonObject


class RetryAfter(TypedDict):
    """The details of a failure after which a later attempt may do better."""

    retryAfterMs: int
