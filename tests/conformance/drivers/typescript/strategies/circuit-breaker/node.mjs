// Circuit breaker nodes.

import { outputOf } from "../../log.mjs";
import { reportLog } from "./log.mjs";

export const breakerNode = {
  open: (gate, config) => gate.circuitBreakerNode(config),
  isNode: true,
  settlesLater: true,
  entity: (node) => ["cb", node.circuitId, ""],
  calls: {
    admit: async (node) => passed(await node.admit()),
    status: async (node) => passed(await node.status()),
    succeeded: async (node, brought, given) => passed(await node.succeeded(tokenOf(brought, given))),
    failed: async (node, brought, given) => passed(await node.failed(brought.error, tokenOf(brought, given))),
    cancelled: async (node, brought, given) => passed(await node.cancelled(tokenOf(brought, given))),
    output: (node, { context, result }, given) => outputOf(node, context, given(result)),
  },
};

function tokenOf({ token, ticket }, given) {
  return token ?? given(ticket)?.token;
}

function passed(passage) {
  const { token = "", json, report } = passage;
  return { log: { circuitStep: { token, result: JSON.parse(json), report: reportLog(report) } }, given: passage };
}
