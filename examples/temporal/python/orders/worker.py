"""`python -m orders.worker`: runs workflows and activities until it is interrupted. Start as many as you like."""

from __future__ import annotations

import asyncio
import signal

from temporalio.client import Client
from temporalio.worker import Worker

from . import policies, settings
from .activities import Activities
from .gate import open_gate
from .nodes import NodeActivities
from .payments import PaymentApi
from .workflows import WORKFLOWS


async def main() -> None:
    """Works until SIGINT or SIGTERM."""
    ours = policies.load()
    client = await Client.connect(settings.TEMPORAL)
    payments = PaymentApi(settings.PAYMENTS)
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    # Leaving the gate sends what is recorded in the background.
    async with open_gate(settings.REDIS) as gate:
        limiter, circuit = gate.rate_limiter(ours["limiter"]), gate.circuit_breaker(ours["circuit"])
        activities = [*Activities(limiter, circuit, payments).all(), *NodeActivities(gate, payments).all()]
        async with Worker(client, task_queue=settings.TASK_QUEUE, workflows=WORKFLOWS, activities=activities):
            print(f"working on {settings.TASK_QUEUE}", flush=True)
            await stop.wait()
    await payments.close()


if __name__ == "__main__":
    asyncio.run(main())
