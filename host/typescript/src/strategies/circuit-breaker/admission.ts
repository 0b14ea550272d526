/** An admitted call of a circuit breaker, timed. */

import type { Failure } from "./failure.js";
import type { Admitted } from "./guarded.js";
import type { CircuitReport } from "./report.js";
import type { CircuitPermit } from "./wit.js";

/** What outcomes are told to. */
export interface Teller<Told> {
  succeeded(permit: CircuitPermit, elapsedMs: number): Told;
  failed(permit: CircuitPermit, elapsedMs: number, failure: Failure): Told;
  cancelled(permit: CircuitPermit, elapsedMs: number): Told;
}

/** Told to a circuit breaker, with how long the call took. */
export class Admission<Told> implements Admitted {
  readonly #breaker: Teller<Told>;
  readonly #permit: CircuitPermit;
  readonly #nowUs: () => number;
  #startedUs: number;
  #pausedUs: number | undefined;

  constructor(breaker: Teller<Told>, permit: CircuitPermit, nowUs: () => number) {
    this.#breaker = breaker;
    this.#permit = permit;
    this.#nowUs = nowUs;
    this.#startedUs = nowUs();
  }

  get isProbe(): boolean {
    return this.#permit.probe !== 0;
  }

  succeeded(): Told {
    return this.#breaker.succeeded(this.#permit, this.#elapsedMs);
  }

  failed(failure: Failure): Told {
    return this.#breaker.failed(this.#permit, this.#elapsedMs, failure);
  }

  cancelled(isCounted: boolean): Told {
    return this.#breaker.cancelled(this.#permit, isCounted ? this.#elapsedMs : 0);
  }

  pause(): void {
    this.#pausedUs ??= this.#nowUs();
  }

  resume(): void {
    if (this.#pausedUs !== undefined) this.#startedUs += this.#nowUs() - this.#pausedUs;
    this.#pausedUs = undefined;
  }

  get #elapsedMs(): number {
    return Math.max(Math.floor(((this.#pausedUs ?? this.#nowUs()) - this.#startedUs) / 1_000), 0);
  }
}

/** The permit of an admitted call. */
export function permitIn(report: CircuitReport): CircuitPermit {
  if (report.permit === undefined) throw new Error("an admitted call has a permit");
  return report.permit;
}
