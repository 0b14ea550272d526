/** What a rate limiter's calls are to the component, and what its answers are to the caller. */

import type { Answer, Request } from "../call.js";
import { CostNeverFitsError, MisuseError } from "../errors.js";
import { type Decision, decisionOf } from "./decision.js";

/** The request of a plain ask, of which all of the same cost are one. */
export function plainRequests(kind: "tryAcquire" | "peek"): (cost: number) => Request {
  const one: Request = { kind, cost: 1 };
  return cost => (cost === 1 ? one : { kind, cost });
}

/** Asks for permits now. */
export const tryAcquireRequest = plainRequests("tryAcquire");

/** Asks what would be answered. */
export const peekRequest = plainRequests("peek");

/** Gives back what a decision charged; nothing where it charged nothing. */
export function refundRequest(cost: number, { chargedAtUs }: Pick<Decision, "chargedAtUs">): Request {
  return chargedAtUs === undefined ? peekRequest(0) : { kind: "refund", cost, chargedAtUs };
}

/** What an answer means to the caller. */
export function decisionIn(answer: Answer, limiter: string, cost: number): Decision {
  if (answer.kind === "decision") return decisionOf(answer.decision);
  if (answer.kind === "fault") throw new CostNeverFitsError(limiter, cost);
  throw new MisuseError("the answer to another question");
}
