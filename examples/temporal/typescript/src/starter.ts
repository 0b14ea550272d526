/**
 * `npm run order -- [count] [workflow]`: starts orders and prints what became of them. `workflow`
 * is orderWorkflow, by default, simpleOrderWorkflow or nodeOrderWorkflow.
 */

import { randomUUID } from "node:crypto";
import { Client, Connection } from "@temporalio/client";
import type { Order } from "./orders.js";
import { policies } from "./policies.js";
import { settings } from "./settings.js";

const [count = "20", workflow = "orderWorkflow"] = process.argv.slice(2);

function inputOf(order: Order): unknown[] {
  if (workflow !== "nodeOrderWorkflow") return [order];
  const { rateLimiterNode: rateLimiter, circuitBreakerNode: circuitBreaker } = policies;
  return [
    { rateLimiter, circuitBreaker },
    { resourceId: order.merchantId, order },
  ];
}

async function run(client: Client, number: number): Promise<void> {
  const order = { orderId: randomUUID(), merchantId: "merchant-1", amountCents: 1_999, priority: 0 };
  const workflowId = `order-${order.orderId}`;
  const handle = await client.workflow.start(workflow, {
    workflowId,
    taskQueue: settings.taskQueue,
    args: inputOf(order),
  });
  console.log(number, JSON.stringify(await handle.result()));
}

const connection = await Connection.connect({ address: settings.temporal });
try {
  const client = new Client({ connection });
  await Promise.all(Array.from({ length: Number(count) }, (_, number) => run(client, number + 1)));
} finally {
  await connection.close();
}
