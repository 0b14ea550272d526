/** What a limiter's answer means to the caller. */

import { type Decision, decisionOf } from "./decision.js";
import { CostNeverFitsError } from "./errors.js";
import { type Decided, NeverFits } from "./request.js";

/** The decision; throws where the cost can never fit. */
export function decisionIn(answer: Decided, limiter: string, degraded = false): Decision {
  if (!(answer instanceof NeverFits)) return decisionOf(answer, degraded);
  const { cost, binding, limit, count, remaining } = answer.counts;
  throw new CostNeverFitsError(limiter, cost, binding, limit, count, remaining);
}
