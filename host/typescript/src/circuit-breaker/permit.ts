/// <reference lib="esnext.disposable" preserve="true" />
/** Admitted calls as things that one holds. */

import type { Failure } from "../call.js";
import { asyncDispose } from "../dispose.js";
import { failureOf } from "./failure.js";
import type { CircuitBreaker } from "./index.js";
import type { CircuitReport } from "./report.js";

/**
 * A call that a circuit admitted. It has one outcome; left by `await using` without one, it was not made, and a probe's place
 * is free again.
 *
 * @example
 * ```ts
 * await using permit = await breaker.permit();
 * const reply = await pay(order);
 * if (reply.ok) await permit.succeeded();
 * else await permit.failed(new Error(reply.reason));
 * ```
 */
export class CircuitBreakerPermit implements AsyncDisposable {
  /** The circuit when it admitted the call. */
  readonly report: CircuitReport;
  readonly #breaker: CircuitBreaker;
  readonly #nowUs: () => number;
  readonly #startedUs: number;
  #isOpen = true;

  /** @internal */
  constructor(breaker: CircuitBreaker, report: CircuitReport, nowUs: () => number) {
    this.report = report;
    this.#breaker = breaker;
    this.#nowUs = nowUs;
    this.#startedUs = nowUs();
  }

  /** The call succeeded. Undefined: it has an outcome already. */
  async succeeded(): Promise<CircuitReport | undefined> {
    const permit = this.#take();
    return permit && (await this.#breaker.succeeded(permit, this.#elapsedMs));
  }

  /** The call failed, by what was thrown. Undefined: as for {@link succeeded}. */
  async failed(error: unknown, failure: Failure = failureOf(error)): Promise<CircuitReport | undefined> {
    const permit = this.#take();
    return permit && (await this.#breaker.failed(permit, this.#elapsedMs, failure));
  }

  /** The call was not made or was given up: see {@link CircuitBreaker.cancelled}. Undefined: as for {@link succeeded}. */
  async cancelled(): Promise<CircuitReport | undefined> {
    const permit = this.#take();
    return permit && (await this.#breaker.cancelled(permit, this.#elapsedMs));
  }

  /** As {@link cancelled}. */
  async [asyncDispose](): Promise<void> {
    await this.cancelled();
  }

  get #elapsedMs(): number {
    return Math.max(Math.floor((this.#nowUs() - this.#startedUs) / 1_000), 0);
  }

  #take() {
    if (!this.#isOpen) return undefined;
    this.#isOpen = false;
    return this.report.permit;
  }
}
