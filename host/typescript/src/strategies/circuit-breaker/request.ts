/** Calls of a circuit breaker as data. */

import type { Policy, Strategy } from "../../strategy.js";
import type { BreakerResource, CircuitMode, CircuitPermit, WitBreakerConfig, WitError, WitReport } from "./wit.js";

/** What became of an admitted call. */
export type Outcome =
  | { readonly kind: "succeeded"; readonly permit: CircuitPermit; readonly elapsedMs: number }
  | {
      readonly kind: "failed";
      readonly permit: CircuitPermit;
      readonly elapsedMs: number;
      readonly errors: readonly WitError[];
    }
  | { readonly kind: "cancelled"; readonly permit: CircuitPermit; readonly elapsedMs: number };

/** A call of a circuit breaker on one circuit. */
export type Request =
  | { readonly kind: "admit" }
  | Outcome
  | { readonly kind: "status" }
  | { readonly kind: "setMode"; readonly mode: CircuitMode }
  | { readonly kind: "reset" };

/** The types of the strategy. */
export interface Breakers {
  readonly config: WitBreakerConfig;
  readonly resource: BreakerResource;
  readonly request: Request;
  readonly answers: { readonly [Kind in Request["kind"]]: WitReport };
}

/** A checked circuit breaker. */
export type BreakerPolicy = Policy<Breakers>;
/** What is known of circuit breakers elsewhere. */
export type BreakerStrategy = Strategy<Breakers>;

export const ADMIT: Request = { kind: "admit" };
export const STATUS: Request = { kind: "status" };
export const RESET: Request = { kind: "reset" };

/** Whether a call brings the outcome of another. */
export function isOutcome(request: Request): request is Outcome {
  return request.kind === "succeeded" || request.kind === "failed" || request.kind === "cancelled";
}
