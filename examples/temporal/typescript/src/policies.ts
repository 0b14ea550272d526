/**
 * The policies of both languages, in one file: the same settings of the same names are one limiter
 * and one circuit.
 */

import { readFileSync } from "node:fs";
import type {
  CircuitBreakerConfig,
  CircuitBreakerNodeConfig,
  RateLimiterConfig,
  RateLimiterNodeConfig,
} from "tidegate";

export interface Policies {
  readonly limiter: RateLimiterConfig;
  readonly circuit: CircuitBreakerConfig;
  readonly rateLimiterNode: RateLimiterNodeConfig;
  readonly circuitBreakerNode: CircuitBreakerNodeConfig;
}

/** `examples/temporal/policies.json`. */
export const policies: Policies = JSON.parse(readFileSync(new URL("../../policies.json", import.meta.url), "utf8"));
