/** Makes the calls of a rate limiter. */

import { payloadOf } from "../../runtime/refused.js";
import {
  type Answer,
  type Decided,
  type DecisionRequest,
  type LimiterConfig,
  NeverFits,
  type Request,
} from "./request.js";
import type { LimiterResource, RateLimiterGuest, WitCostNeverFits, WitDecision } from "./wit.js";

/** Opens a limiter, which checks its configuration. */
export function open({ rateLimiter }: RateLimiterGuest, { config, hosts }: LimiterConfig): LimiterResource {
  const whole = rateLimiter.Limiter.open(config);
  return hosts === undefined ? whole : whole.share(hosts);
}

/** Makes a call. */
export function call(limiter: LimiterResource, request: Request): Answer {
  switch (request.kind) {
    case "release":
      return limiter.release(0, request.now);
    case "cancel":
      return limiter.cancel(0, request.ticket);
    case "reset":
      limiter.reset(0);
      return "done";
    case "acquire":
    case "tryAcquire":
    case "peek":
    case "refund":
    case "charge":
    case "post":
      return decided(limiter, request);
  }
}

function decided(limiter: LimiterResource, request: DecisionRequest): Decided {
  try {
    return decision(limiter, request);
  } catch (error) {
    const neverFits = payloadOf(error);
    if (neverFits === undefined) throw error;
    return new NeverFits(neverFits as WitCostNeverFits);
  }
}

function decision(limiter: LimiterResource, request: DecisionRequest): WitDecision {
  switch (request.kind) {
    case "tryAcquire":
      return limiter.tryAcquire(0, request.cost);
    case "acquire":
      return limiter.acquire(0, request.cost, request.priority, request.ticket);
    case "peek":
      return limiter.peek(0, request.cost);
    case "refund":
      return limiter.refund(0, request.cost, request.chargedAtUs, request.fullAtUs);
    case "charge":
      return limiter.charge(0, request.cost);
    case "post":
      return limiter.post(0, request.cost);
  }
}
