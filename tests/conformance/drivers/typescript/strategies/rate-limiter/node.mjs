// Rate limiter nodes.

import { SKIPPED, outputOf } from "../../log.mjs";

export const limiterNode = {
  open: (gate, config) => gate.rateLimiterNode(config),
  isNode: true,
  settlesLater: false,
  entity: (node, { context }) => {
    const { name, key } = node.subject(context);
    return ["rl", name, key];
  },
  calls: {
    subject: (node, { context }) => {
      const { name, key, priority } = node.subject(context);
      return { log: { subject: { name, key, priority } } };
    },
    step: async (node, { context, ...brought }, given) => {
      const token = tokenOf(brought, given);
      return stepped(token === undefined ? await node.begin(context) : await node.step(context, token));
    },
    abandon: async (node, { context, ...brought }, given) => {
      const token = tokenOf(brought, given);
      return token === undefined ? SKIPPED : { log: { held: await node.abandon(context, token) } };
    },
    output: (node, { context, result }, given) => outputOf(node, context, given(result)),
  },
};

function tokenOf({ token, ticket }, given) {
  return token ?? given(ticket)?.token;
}

function stepped(step) {
  const { done, token = "", json } = step;
  const result = json === undefined ? null : JSON.parse(json);
  return { log: { nodeStep: { done, waitMs: done ? 0 : step.waitMs, token, result } }, given: step };
}
