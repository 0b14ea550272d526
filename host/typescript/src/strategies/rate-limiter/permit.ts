/// <reference lib="esnext.disposable" preserve="true" />
/** Permits as things that one holds. */

import { Attempt, type Limits, type PlatformSignal } from "../../attempt.js";
import type { Clock } from "../../clock.js";
import { asyncDispose } from "../../dispose.js";
import type { Signal } from "../../signal.js";
import type { Decision } from "./decision.js";

/** Who takes permits back. */
interface Limiter {
  refund(key: string, decision: Decision, ask: { readonly cost: number }): Promise<unknown>;
}

/** A permit's own limits: a signal, and how long what it is for may take. */
export interface PermitLimits extends Limits {
  readonly clock: Clock;
}

/**
 * Permits that a call was given. Left by `await using` without {@link keep}, they are given back.
 *
 * With `timeoutMs`, its signal is aborted when that time is over, with a {@link CallTimeoutError};
 * the permits are not given back yet.
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
  readonly #limiter: Limiter;
  readonly #key: string;
  readonly #cost: number;
  readonly #attempt: Attempt | undefined;
  readonly #given: Signal | undefined;
  #isHeld = true;

  /** @internal */
  constructor(limiter: Limiter, key: string, cost: number, decision: Decision, waitedMs: number, limits: PermitLimits) {
    this.#limiter = limiter;
    this.#key = key;
    this.#cost = cost;
    this.decision = decision;
    this.waitedMs = waitedMs;
    this.#given = limits.signal;
    // Of one without a time limit nobody is told when it is over, so nothing is left at the
    // caller's signal.
    if (limits.timeoutMs !== undefined) this.#attempt = new Attempt(limits.clock, limits, false);
  }

  /**
   * Aborted when the caller's signal is, or when the time limit is over; undefined where there is
   * neither.
   */
  get signal(): PlatformSignal | undefined {
    return this.#attempt?.signal ?? (this.#given as PlatformSignal | undefined);
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

  /** As {@link refund}; and its time is over. */
  [asyncDispose](): Promise<void> {
    this.#attempt?.end();
    return this.refund();
  }
}
