"""`python -m orders.starter [count] [workflow]`: starts orders and prints what became of them.

`workflow` is orderWorkflow, by default, or simpleOrderWorkflow.
"""

from __future__ import annotations

import asyncio
import json
import sys
from uuid import uuid4

from temporalio.client import Client

from . import settings
from .model import Order


async def _run(client: Client, workflow: str, number: int) -> None:
    order = Order(orderId=str(uuid4()), merchantId="merchant-1", amountCents=1_999, priority=0)
    handle = await client.start_workflow(
        workflow, order, id=f"order-{order['orderId']}", task_queue=settings.TASK_QUEUE
    )
    print(number, json.dumps(await handle.result()), flush=True)


async def main(count: int = 20, workflow: str = "orderWorkflow") -> None:
    """Starts all at once and waits for all."""
    client = await Client.connect(settings.TEMPORAL)
    await asyncio.gather(*(_run(client, workflow, number + 1) for number in range(count)))


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 20, *sys.argv[2:3]))
