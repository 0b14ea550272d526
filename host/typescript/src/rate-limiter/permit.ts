/// <reference lib="esnext.disposable" preserve="true" />
/** Permits as things that one holds. */

import { asyncDispose } from "../dispose.js";
import type { Decision } from "./decision.js";
import type { RateLimiter } from "./index.js";

/**
 * Permits that a call was given. Left by `await using` without {@link keep}, they are given back.
 *
 * @example
 * ```ts
 * await using permit = await limiter.permit("user-42");
 * await send(message);
 * permit.keep();
 * ```
 */
export class RateLimiterPermit implements AsyncDisposable {
  /** The decision that admitted the call, or reserved its place. */
  readonly decision: Decision;
  /** How long the call waited, in milliseconds. */
  readonly waitedMs: number;
  readonly #limiter: RateLimiter;
  readonly #key: string;
  readonly #cost: number;
  #isHeld = true;

  /** @internal */
  constructor(limiter: RateLimiter, key: string, cost: number, decision: Decision, waitedMs: number) {
    this.#limiter = limiter;
    this.#key = key;
    this.#cost = cost;
    this.decision = decision;
    this.waitedMs = waitedMs;
  }

  /** The permits are spent: nothing is given back any more. */
  keep(): void {
    this.#isHeld = false;
  }

  /** Gives the permits back, if they are neither kept nor given back already. */
  async refund(): Promise<void> {
    if (!this.#isHeld) return;
    this.#isHeld = false;
    await this.#limiter.refund(this.#key, this.decision, { cost: this.#cost });
  }

  /** As {@link refund}. */
  [asyncDispose](): Promise<void> {
    return this.refund();
  }
}
