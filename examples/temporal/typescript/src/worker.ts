/**
 * `npm run worker`: runs workflows and activities until it is interrupted. Start as many as you
 * like, in both languages.
 */

import { fileURLToPath } from "node:url";
import { NativeConnection, Worker } from "@temporalio/worker";
import { createActivities } from "./activities.js";
import { openGate } from "./gate.js";
import { createNodeActivities } from "./nodes.js";
import { PaymentApi } from "./payments.js";
import { policies } from "./policies.js";
import { settings } from "./settings.js";

const { gate, close } = openGate(settings.redis);
const payments = new PaymentApi(settings.payments);
const limiter = gate.rateLimiter(policies.limiter);
const circuit = gate.circuitBreaker(policies.circuit);
const activities = Object.assign(
  createActivities({ limiter, circuit, payments }),
  createNodeActivities(gate, payments),
);
const connection = await NativeConnection.connect({ address: settings.temporal });
try {
  const worker = await Worker.create({
    connection,
    taskQueue: settings.taskQueue,
    workflowsPath: fileURLToPath(new URL("./workflows.js", import.meta.url)),
    activities,
  });
  console.log(`working on ${settings.taskQueue}`);
  await worker.run();
} finally {
  await connection.close();
  await close();
}
