// Circuit breakers.

import { SKIPPED } from "../../log.mjs";
import { reportLog } from "./log.mjs";

export { breakerNode } from "./node.mjs";

export const breaker = {
  open: (gate, config) => gate.circuitBreaker(config),
  isNode: false,
  settlesLater: true,
  entity: (breaker, { key }) => ["cb", breaker.config.name, key],
  calls: {
    admit: async (breaker, { key }) => reported(await breaker.keyed(key).admit()),
    status: async (breaker, { key }) => reported(await breaker.keyed(key).status()),
    reset: async (breaker, { key }) => reported(await breaker.keyed(key).reset()),
    "set-mode": async (breaker, { key, mode }) => reported(await breaker.keyed(key).setMode(mode)),
    succeeded: (breaker, { key, permit, elapsedMs }, given) =>
      outcome(given(permit), (permit) => breaker.keyed(key).succeeded(permit, elapsedMs)),
    failed: (breaker, { key, permit, elapsedMs, error }, given) =>
      outcome(given(permit), (permit) => breaker.keyed(key).failed(permit, elapsedMs, error)),
    cancelled: (breaker, { key, permit, elapsedMs }, given) =>
      outcome(given(permit), (permit) => breaker.keyed(key).cancelled(permit, elapsedMs)),
  },
};

async function outcome(admitted, report) {
  return admitted?.permit ? reported(await report(admitted.permit)) : SKIPPED;
}

function reported(report) {
  return { log: { report: reportLog(report) }, given: report };
}
