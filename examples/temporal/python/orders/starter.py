"""`python -m orders.starter [count] [workflow]`: starts orders and prints what became of them.

`workflow` is orderWorkflow, by default, simpleOrderWorkflow or nodeOrderWorkflow.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any
from uuid import uuid4

from temporalio.client import Client

from . import policies, settings
from .model import NodePolicies, Order


def _input_of(workflow: str, order: Order) -> list[Any]:
    if workflow != "nodeOrderWorkflow":
        return [order]
    ours = policies.load()
    nodes = NodePolicies(rateLimiter=ours["rateLimiterNode"], circuitBreaker=ours["circuitBreakerNode"])
    return [nodes, {"resourceId": order["merchantId"], "order": order}]


async def _run(client: Client, workflow: str, number: int) -> None:
    order = Order(orderId=str(uuid4()), merchantId="merchant-1", amountCents=1_999, priority=0)
    args = _input_of(workflow, order)
    handle = await client.start_workflow(
        workflow, args=args, id=f"order-{order['orderId']}", task_queue=settings.TASK_QUEUE
    )
    print(number, json.dumps(await handle.result()), flush=True)


async def main(count: int = 20, workflow: str = "orderWorkflow") -> None:
    """Starts all at once and waits for all."""
    client = await Client.connect(settings.TEMPORAL)
    await asyncio.gather(*(_run(client, workflow, number + 1) for number in range(count)))


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 20, *sys.argv[2:3]))
