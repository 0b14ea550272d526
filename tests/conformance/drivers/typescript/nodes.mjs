// Calls of workflow nodes.

import { reportLog } from "./log.mjs";

const SKIPPED = { log: { skipped: true } };

/** A call of a rate limiter node. */
export async function limitNode(node, { call, context: given }, { token, result }) {
  const context = given ?? "{}";
  switch (call) {
    case "subject": {
      const { name, key, priority } = node.subject(context);
      return { log: { subject: { name, key, priority } } };
    }
    case "abandon":
      return token === undefined ? SKIPPED : { log: { held: await node.abandon(context, token) } };
    case "output":
      return outputOf(node, context, result);
    default:
      return stepped(token === undefined ? await node.begin(context) : await node.step(context, token));
  }
}

function stepped(step) {
  const { done, token = "", json } = step;
  const result = json === undefined ? null : JSON.parse(json);
  return { log: { nodeStep: { done, waitMs: done ? 0 : step.waitMs, token, result } }, given: step };
}

/** A call of a circuit breaker node. */
export async function guardNode(node, { call, context, error }, { token, result }) {
  switch (call) {
    case "output":
      return outputOf(node, context ?? "{}", result);
    case "succeeded":
      return passed(await node.succeeded(token));
    case "cancelled":
      return passed(await node.cancelled(token));
    case "failed":
      return passed(await node.failed(error, token));
    case "status":
      return passed(await node.status());
    default:
      return passed(await node.admit());
  }
}

function passed(passage) {
  const { token = "", json, report } = passage;
  return { log: { circuitStep: { token, result: JSON.parse(json), report: reportLog(report) } }, given: passage };
}

function outputOf(node, context, result) {
  return result === undefined ? SKIPPED : { log: { output: node.output(context, result) } };
}

/** Problems as the log has them. */
export function problemsOf({ problems }) {
  return problems.map(({ path, value, allowed }) => ({ path, value, allowed }));
}
