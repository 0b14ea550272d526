// Rate limiters.

import { DONE, SKIPPED } from "../../log.mjs";

export { limiterNode } from "./node.mjs";

export const limiter = {
  open: (gate, config) => gate.rateLimiter(config),
  isNode: false,
  settlesLater: false,
  entity: (limiter, { key }) => ["rl", limiter.config.name, key],
  calls: {
    acquire: async (limiter, { key, cost, priority, ticket }, given) =>
      decided(await limiter.decide(key, { cost, priority }, given(ticket)?.ticket)),
    "try-acquire": async (limiter, { key, cost }) => decided(await limiter.tryAcquire(key, { cost })),
    peek: async (limiter, { key, cost }) => decided(await limiter.peek(key, { cost })),
    refund: async (limiter, { key, cost, charged }, given) => {
      const decision = given(charged);
      return decision?.chargedAtUs ? decided(await limiter.refund(key, decision, { cost })) : SKIPPED;
    },
    charge: async (limiter, { key, cost }) => decided(await limiter.charge(key, cost)),
    cancel: async (limiter, { key, ticket: step }, given) => {
      const ticket = given(step)?.ticket;
      return ticket === undefined ? SKIPPED : { log: { wasWaiting: await limiter.cancel(key, ticket) } };
    },
    reset: async (limiter, { key }) => {
      await limiter.reset(key);
      return DONE;
    },
  },
};

function decided(decision) {
  return { log: { decision: decisionLog(decision) }, given: decision };
}

/** A decision; 0 where there is none of something. */
function decisionLog(decision) {
  return {
    verdict: decision.verdict,
    reason: decision.reason,
    atUs: decision.atUs,
    chargedAtUs: decision.chargedAtUs ?? 0,
    fullAtUs: decision.fullAtUs ?? 0,
    binding: decision.binding,
    count: decision.count,
    limit: decision.limit,
    remaining: decision.remaining,
    resetAfterMs: decision.resetAfterMs,
    retryAfterMs: decision.retryAfterMs,
    waitMs: decision.waitMs,
    position: decision.position ?? 0,
    waiting: decision.waiting,
    ticket: decision.ticket ?? 0,
    discarded: decision.discarded,
    leased: decision.leased,
    releaseAfterMs: decision.releaseAfterMs,
    degraded: decision.degraded,
  };
}
