/** Calls of a circuit breaker node as data. A token is empty where there is none. */

import type { Refused } from "../../../runtime/refused.js";
import type { Policy, Strategy } from "../../../strategy.js";
import type { WitError } from "../wit.js";
import type { BreakerNodeResource, WitCircuitStep } from "./wit.js";

/** What became of an admitted call. */
export type NodeOutcome =
  | { readonly kind: "succeeded"; readonly token: string }
  | { readonly kind: "failed"; readonly token: string; readonly errors: readonly WitError[] }
  | { readonly kind: "cancelled"; readonly token: string };

/** A call of a circuit breaker node on its circuit. */
export type NodeRequest = { readonly kind: "admit" } | NodeOutcome | { readonly kind: "status" };

/** What it answers, or what is wrong with the token. */
export type NodeAnswer = WitCircuitStep | Refused;

/** The types of the strategy. Its configuration is JSON text. */
export interface BreakerNodes {
  readonly config: string;
  readonly resource: BreakerNodeResource;
  readonly request: NodeRequest;
  readonly answers: { readonly [Kind in NodeRequest["kind"]]: NodeAnswer };
}

/** A checked circuit breaker node. */
export type BreakerNodePolicy = Policy<BreakerNodes>;
/** What is known of circuit breaker nodes elsewhere. */
export type BreakerNodeStrategy = Strategy<BreakerNodes>;

export const ADMIT: NodeRequest = { kind: "admit" };
export const STATUS: NodeRequest = { kind: "status" };
