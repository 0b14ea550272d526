/** Calls of a rate limiter as data. */

import type { Policy, Strategy } from "../../strategy.js";
import type { Decision } from "./decision.js";
import type { LimiterResource, WitCostNeverFits, WitDecision, WitLimiterConfig } from "./wit.js";

/** What a limiter is opened with. */
export interface LimiterConfig {
  readonly config: WitLimiterConfig;
  /** Only the share of each of this many hosts; undefined: all of it. */
  readonly hosts?: number;
}

/** A call of a limiter on one key that asks for a decision. */
export type DecisionRequest =
  | { readonly kind: "acquire"; readonly cost: number; readonly priority: number; readonly ticket: number }
  | { readonly kind: "tryAcquire"; readonly cost: number }
  | { readonly kind: "peek"; readonly cost: number }
  | { readonly kind: "refund"; readonly cost: number; readonly chargedAtUs: number; readonly fullAtUs: number }
  | { readonly kind: "charge"; readonly cost: number }
  | { readonly kind: "post"; readonly cost: number };

/** A call of a limiter on one key. */
export type Request =
  | DecisionRequest
  | { readonly kind: "release"; readonly now: boolean }
  | { readonly kind: "cancel"; readonly ticket: number }
  | { readonly kind: "reset" };

/** In place of a decision: the cost can never fit. */
export class NeverFits {
  constructor(readonly counts: WitCostNeverFits) {}
}

/** What a call for a decision comes to. */
export type Decided = WitDecision | NeverFits;

/** The types of the strategy. */
export interface Limiters {
  readonly config: LimiterConfig;
  readonly resource: LimiterResource;
  readonly request: Request;
  readonly answers: {
    readonly [Kind in DecisionRequest["kind"]]: Decided;
  } & {
    /** How many permits of a lease went back. */
    readonly release: number;
    /** Whether it waited in the queue. */
    readonly cancel: boolean;
    readonly reset: "done";
  };
}

/** What any call answers. */
export type Answer = Limiters["answers"][Request["kind"]];
/** A checked limiter. */
export type LimiterPolicy = Policy<Limiters>;
/** What is known of limiters elsewhere. */
export type LimiterStrategy = Strategy<Limiters>;

/**
 * Up to this cost all requests that are alike are one: it need not be made anew, and is known by
 * its identity.
 */
const MAX_SHARED_COST = 64;

/** The request of a plain ask. */
function plainRequests(kind: "tryAcquire" | "peek"): (cost: number) => DecisionRequest {
  const shared = Array.from({ length: MAX_SHARED_COST + 1 }, (_, cost): DecisionRequest => ({ kind, cost }));
  return cost => shared[cost] ?? { kind, cost };
}

/** Asks for permits now. */
export const tryAcquireRequest = plainRequests("tryAcquire");

/** Asks what would be answered. */
export const peekRequest = plainRequests("peek");

/** Forgets what was charged. */
export const RESET = { kind: "reset" } as const;

/** What a decision tells of its charge. */
type Charged = Pick<Decision, "chargedAtUs"> & Partial<Pick<Decision, "fullAtUs">>;

/** Gives back what a decision charged; nothing where it charged nothing. */
export function refundRequest(cost: number, { chargedAtUs, fullAtUs = 0 }: Charged): DecisionRequest {
  return chargedAtUs === undefined ? peekRequest(0) : { kind: "refund", cost, chargedAtUs, fullAtUs };
}
