/// <reference lib="esnext.disposable" preserve="true" />
/** Admitted calls as things that one holds. */

import { Attempt, isTimeout, type Limits, type PlatformSignal } from "../../attempt.js";
import type { Core } from "../../core.js";
import { asyncDispose } from "../../dispose.js";
import { Admission, permitIn, type Teller } from "./admission.js";
import type { Failure } from "./failure.js";
import { failureOf } from "./failure.js";
import type { CircuitReport } from "./report.js";

/**
 * A call that a circuit admitted. It has one outcome; left by `await using` without one, it was not
 * made, and a probe's place is free again.
 *
 * With `timeoutMs`, it has failed when that time is over, and its signal is aborted.
 *
 * @example
 * ```ts
 * await using permit = await breaker.permit({ timeoutMs: 2_000 });
 * const reply = await pay(order, { signal: permit.signal });
 * if (reply.ok) await permit.succeeded();
 * else await permit.failed(new Error(reply.reason));
 * ```
 */
export class CircuitBreakerPermit implements AsyncDisposable {
  /** The circuit when it admitted the call. */
  readonly report: CircuitReport;
  readonly #admission: Admission<Promise<CircuitReport>>;
  readonly #attempt: Attempt | undefined;
  #isOpen = true;

  /** @internal */
  constructor(core: Core, breaker: Teller<Promise<CircuitReport>>, report: CircuitReport, limits: Limits) {
    this.report = report;
    this.#admission = new Admission(breaker, permitIn(report), () => core.clock.nowUs());
    if (limits.signal === undefined && limits.timeoutMs === undefined) return;
    this.#attempt = new Attempt(core.clock, limits, false);
    this.#attempt.onStop = reason => {
      if (isTimeout(reason)) core.background(this.failed(reason));
    };
  }

  /**
   * Aborted when the caller's signal is, or when the time limit is over; undefined where there is
   * neither.
   */
  get signal(): PlatformSignal | undefined {
    return this.#attempt?.signal;
  }

  /** The call succeeded. Undefined: it has an outcome already. */
  async succeeded(): Promise<CircuitReport | undefined> {
    return this.#take() ? this.#admission.succeeded() : undefined;
  }

  /** The call failed, by what was thrown. Undefined: as for {@link succeeded}. */
  async failed(error: unknown, failure: Failure = failureOf(error)): Promise<CircuitReport | undefined> {
    return this.#take() ? this.#admission.failed(failure) : undefined;
  }

  /**
   * The call was not made or was given up: no outcome, but that it was slow if it took that long.
   * Undefined: as for {@link succeeded}.
   */
  async cancelled(): Promise<CircuitReport | undefined> {
    return this.#take() ? this.#admission.cancelled(true) : undefined;
  }

  /** As {@link cancelled}. */
  async [asyncDispose](): Promise<void> {
    await this.cancelled();
  }

  #take(): boolean {
    if (!this.#isOpen) return false;
    this.#isOpen = false;
    this.#attempt?.end();
    return true;
  }
}
