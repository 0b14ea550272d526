/** What a rate limiter answers. */

import type { Verdict, WitDecision, WitReason } from "./wit.js";

/**
 * Why a call must wait or was denied; `store-away`: the store is away, and nothing is let go
 * without it.
 */
export type Reason = WitReason | "store-away";

/** A decision. The counts are those of the limit that binds: the one with the least room. */
export interface Decision {
  /**
   * `allowed`: go now. `wait`, with a ticket: come back with it after `waitMs`; without: a place is
   * reserved, go after that time. `denied`: do not go.
   */
  verdict: Verdict;
  /** Why not. */
  reason: Reason;
  /**
   * The time of the decision on the store's clock, in microseconds since 1970. Where it is
   * degraded, what this host takes that to be, or 0.
   */
  atUs: number;
  /**
   * When the permits were charged, in microseconds since 1970: what a refund needs. Undefined:
   * nothing was charged, or a debt that cannot be given back.
   */
  chargedAtUs: number | undefined;
  /**
   * When the bucket was due to be full just before that, in microseconds since 1970: what a refund
   * of GCRA and token bucket needs, too. Undefined: nothing was charged, or not to a bucket.
   */
  fullAtUs: number | undefined;
  /** Which limit binds, counted from 0. */
  binding: number;
  /** Permits that count against that limit after this decision. */
  count: number;
  /** That limit; for GCRA and token bucket the burst. */
  limit: number;
  /** How many more would be allowed at once. */
  remaining: number;
  /** Milliseconds until nothing counts any more, rounded up. */
  resetAfterMs: number;
  /**
   * Denied: milliseconds until the same call would be accepted if nobody else came, rounded up; 0
   * where it never would, as with a limit of 0. After a charge: until one permit would be allowed.
   * Otherwise 0.
   */
  retryAfterMs: number;
  /** To wait: milliseconds until to go or to come back, rounded up. Otherwise 0. */
  waitMs: number;
  /** Position in the queue, counted from 1. */
  position: number | undefined;
  /** How many are in the queue. */
  waiting: number;
  /** What a waiter in the queue comes back with, from any host. */
  ticket: number | undefined;
  /** Stored values that did not decode and were taken as absent. */
  discarded: number;
  /**
   * Whether the call was let go on a lease that this host held: the store was not asked. Then
   * `remaining` is what is left in the lease, `limit` that of the first limit, `count` the
   * difference, and `resetAfterMs` the time until the lease ends.
   */
  leased: boolean;
  /**
   * This call has taken a lease: milliseconds until it ends and is given back, rounded up.
   * Otherwise 0.
   */
  releaseAfterMs: number;
  /**
   * Whether the store was away and this is what the configuration says to answer then: on this host
   * alone.
   */
  degraded: boolean;
}

/** What the component's decision is to a caller. */
export function decisionOf(wit: WitDecision, degraded = false): Decision {
  return {
    verdict: wit.verdict,
    reason: wit.reason,
    atUs: wit.atUs,
    chargedAtUs: wit.chargedAtUs === 0 ? undefined : wit.chargedAtUs,
    fullAtUs: wit.fullAtUs === 0 ? undefined : wit.fullAtUs,
    binding: wit.binding,
    count: wit.count,
    limit: wit.limit,
    remaining: wit.remaining,
    resetAfterMs: wit.resetAfterMs,
    retryAfterMs: wit.retryAfterMs,
    waitMs: wit.waitMs,
    position: wit.position === 0 ? undefined : wit.position,
    waiting: wit.waiting,
    ticket: wit.ticket === 0 ? undefined : wit.ticket,
    discarded: wit.discarded,
    leased: wit.leased,
    releaseAfterMs: wit.releaseAfterMs,
    degraded,
  };
}

/** What is answered without looking at anything while the store is away. */
export function blindDecision(verdict: "allowed" | "denied", retryAfterMs: number): Decision {
  return {
    verdict,
    reason: verdict === "allowed" ? "none" : "store-away",
    atUs: 0,
    chargedAtUs: undefined,
    fullAtUs: undefined,
    binding: 0,
    count: 0,
    limit: 0,
    remaining: 0,
    resetAfterMs: 0,
    retryAfterMs,
    waitMs: 0,
    position: undefined,
    waiting: 0,
    ticket: undefined,
    discarded: 0,
    leased: false,
    releaseAfterMs: 0,
    degraded: true,
  };
}
