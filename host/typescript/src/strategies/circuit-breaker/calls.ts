/** Makes the calls of a circuit breaker. */

import type { Request } from "./request.js";
import type { BreakerResource, CircuitBreakerGuest, WitBreakerConfig, WitReport } from "./wit.js";

/** Opens a circuit breaker, which checks its configuration. */
export function open({ circuitBreaker }: CircuitBreakerGuest, config: WitBreakerConfig): BreakerResource {
  return circuitBreaker.Breaker.open(config);
}

/** Makes a call. */
export function call(breaker: BreakerResource, request: Request): WitReport {
  switch (request.kind) {
    case "admit":
      return breaker.admit(0);
    case "succeeded":
      return breaker.succeeded(0, request.permit, request.elapsedMs);
    case "failed":
      return breaker.failed(0, request.permit, request.elapsedMs, request.errors);
    case "cancelled":
      return breaker.cancelled(0, request.permit, request.elapsedMs);
    case "status":
      return breaker.status(0);
    case "setMode":
      return breaker.setMode(0, request.mode);
    case "reset":
      return breaker.reset(0);
  }
}
