/** What a rate limiter's calls are to the component, and what its answers are to the caller. */

import type { Answer, Request } from "../../call.js";
import { CostNeverFitsError, MisuseError } from "../../errors.js";
import { type Decision, decisionOf } from "./decision.js";

/**
 * Up to this cost all requests that are alike are one: it need not be made anew, and is known by
 * its identity.
 */
const MAX_SHARED_COST = 64;

/** The request of a plain ask. */
export function plainRequests(kind: "tryAcquire" | "peek"): (cost: number) => Request {
  const shared = Array.from({ length: MAX_SHARED_COST + 1 }, (_, cost): Request => ({ kind, cost }));
  return cost => shared[cost] ?? { kind, cost };
}

/** Asks for permits now. */
export const tryAcquireRequest = plainRequests("tryAcquire");

/** Asks what would be answered. */
export const peekRequest = plainRequests("peek");

/** What a decision tells of its charge. */
type Charged = Pick<Decision, "chargedAtUs"> & Partial<Pick<Decision, "fullAtUs">>;

/** Gives back what a decision charged; nothing where it charged nothing. */
export function refundRequest(cost: number, { chargedAtUs, fullAtUs = 0 }: Charged): Request {
  return chargedAtUs === undefined ? peekRequest(0) : { kind: "refund", cost, chargedAtUs, fullAtUs };
}

/** What an answer means to the caller. */
export function decisionIn(answer: Answer, limiter: string, degraded = false): Decision {
  if (answer.kind === "decision") return decisionOf(answer.decision, degraded);
  if (answer.kind === "neverFits") {
    const { cost, binding, limit, count, remaining } = answer.neverFits;
    throw new CostNeverFitsError(limiter, cost, binding, limit, count, remaining);
  }
  throw new MisuseError("the answer to another question");
}
