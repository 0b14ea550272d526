/** Errors of rate limiters. */

import { codeOf, TidegateError } from "../../error-base.js";
import type { Decision } from "./decision.js";

/** The cost is above what a limit can ever admit at once. Waiting does not help. */
export class CostNeverFitsError extends TidegateError {
  override readonly name: string = "CostNeverFitsError";
  readonly code = "cost-never-fits";

  constructor(
    /** The limiter's name. */
    readonly limiter: string,
    /** The cost asked for. */
    readonly cost: number,
    /** Which limit admits the least, counted from 0. */
    readonly binding: number,
    /** The most that it admits at once: the limit; for GCRA and token bucket the burst. */
    readonly limit: number,
    /** Permits that count against it now. */
    readonly count: number,
    /** How many it would allow now. */
    readonly remaining: number,
  ) {
    const of = `limits[${binding}] of rate limiter ${JSON.stringify(limiter)}`;
    super(`a cost of ${cost} can never fit in ${of}, which admits ${limit} at once; ${count} count now`);
  }
}

/** The rate limiter denied the call. */
export class RateLimitError extends TidegateError {
  override readonly name: string = "RateLimitError";
  readonly code = "rate-limited";

  constructor(
    /** The limiter's name. */
    readonly limiter: string,
    /** Its decision. */
    readonly decision: Decision,
  ) {
    const { reason, retryAfterMs } = decision;
    super(`rate limiter ${JSON.stringify(limiter)} denied the call (${reason}), retry after ${retryAfterMs} ms`);
  }

  /** Milliseconds until the same call would be accepted if nobody else came. */
  get retryAfterMs(): number {
    return this.decision.retryAfterMs;
  }
}

/** Whether the cost can never fit. */
export function isCostNeverFitsError(error: unknown): error is CostNeverFitsError {
  return codeOf(error) === "cost-never-fits";
}

/** Whether a rate limiter denied the call. */
export function isRateLimitError(error: unknown): error is RateLimitError {
  return codeOf(error) === "rate-limited";
}
