/** What the component exports: a line a strategy, and the registry of all nodes. */

import type { CircuitBreakerNodeGuest } from "./circuit-breaker/node/wit.js";
import type { CircuitBreakerGuest } from "./circuit-breaker/wit.js";
import type { RateLimiterNodeGuest } from "./rate-limiter/node/wit.js";
import type { RateLimiterGuest } from "./rate-limiter/wit.js";

/** All exports of the component. */
export type Guest = { readonly nodes: { registry(): string } } & RateLimiterGuest &
  RateLimiterNodeGuest &
  CircuitBreakerGuest &
  CircuitBreakerNodeGuest;
