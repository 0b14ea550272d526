/** The policies of both languages, in one file: the same settings of the same names are one limiter and one circuit. */

import { readFileSync } from "node:fs";
import type { CircuitBreakerConfig, RateLimiterConfig } from "tidegate";
import type { JsonObject } from "./orders.js";

export interface Policies {
  readonly limiter: RateLimiterConfig;
  readonly circuit: CircuitBreakerConfig;
  readonly rateLimiterNode: JsonObject;
  readonly circuitBreakerNode: JsonObject;
}

/** `examples/temporal/policies.json`. */
export const policies: Policies = JSON.parse(readFileSync(new URL("../../policies.json", import.meta.url), "utf8"));
