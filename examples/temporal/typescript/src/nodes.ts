/** Activities guarded by workflow nodes, whose configurations come with each call. */

import type { JsonObject, NodeStep, Payment } from "./orders.js";

/** The activities, by their names. */
export interface NodeActivities {
  /** Takes one step of a rate limiter node and never sleeps. */
  rateLimiterNode(config: JsonObject, context: JsonObject, token: string | null): Promise<NodeStep>;
  /** Gives back what the token of a step holds. */
  leaveRateLimiterNode(config: JsonObject, context: JsonObject, token: string): Promise<void>;
  /** Asks the payment API, unless the circuit of a circuit breaker node is open. */
  chargeNode(config: JsonObject, context: JsonObject): Promise<Payment>;
}
