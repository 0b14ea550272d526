/** A rate limiter without promises, on the memory store. */

import { type Ask, costOf, priorityOf, wholeOf } from "../../ask.js";
import type { OpenedLimiterConfig } from "./config.js";
import type { Decision } from "./decision.js";
import { type RateLimiter as AsyncRateLimiter, assertCharge, type Charge, type KeyedAsk } from "./index.js";
import { peekRequest, RESET, refundRequest, tryAcquireRequest } from "./request.js";

/**
 * A handle on a rate limiter. All but `cancel` and `reset` throw a `CostNeverFitsError` for a cost
 * that never fits.
 */
export class RateLimiter {
  readonly #limiter: AsyncRateLimiter;

  /** @internal */
  constructor(limiter: AsyncRateLimiter) {
    this.#limiter = limiter;
  }

  /** The settings. */
  get config(): OpenedLimiterConfig {
    return this.#limiter.config;
  }

  /** Asks for permits now: allowed or denied, never a wait. */
  tryAcquire(key: string, ask?: Ask): Decision {
    const cost = costOf(ask);
    return this.#limiter.decideNow(key, cost, tryAcquireRequest(cost));
  }

  /** What {@link tryAcquire} would come to for each of these in turn, asked at one time. */
  tryAcquireMany(asks: Iterable<KeyedAsk>): PromiseSettledResult<Decision>[] {
    return this.#limiter.tryAcquireManyNow(asks);
  }

  /** Asks by the configured behaviour, or comes back with a ticket after `waitMs`. */
  decide(key: string, ask?: Ask, ticket = 0): Decision {
    const cost = costOf(ask);
    const back = wholeOf("ticket", ticket);
    return this.#limiter.decideNow(key, cost, { kind: "acquire", cost, priority: priorityOf(ask), ticket: back });
  }

  /** What {@link tryAcquire} would answer, without charging. */
  peek(key: string, ask?: Ask): Decision {
    const cost = costOf(ask);
    return this.#limiter.decideNow(key, cost, peekRequest(cost));
  }

  /** Gives back what a decision charged. */
  refund(key: string, decision: Charge, ask?: Ask): Decision {
    const cost = costOf(ask);
    assertCharge(decision);
    return this.#limiter.decideNow(key, cost, refundRequest(cost, decision));
  }

  /**
   * Charges what was used already, and is never refused: what does not fit is a debt that later
   * calls wait for.
   */
  charge(key: string, cost: number): Decision {
    const used = costOf({ cost });
    return this.#limiter.decideNow(key, used, { kind: "charge", cost: used });
  }

  /** Takes a waiter out of the queue; false: it was not in it. */
  cancel(key: string, ticket: number): boolean {
    return this.#limiter.callNow(key, { kind: "cancel", ticket: wholeOf("ticket", ticket) });
  }

  /** Forgets what was charged to a key. Those who wait keep their places. */
  reset(key: string): void {
    this.#limiter.callNow(key, RESET);
  }
}
