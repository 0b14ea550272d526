/** A circuit breaker without promises, on the memory store. */

import type { Clock } from "../../clock.js";
import { Admission, permitIn } from "./admission.js";
import type { CircuitBreakerConfig } from "./config.js";
import type { Failure } from "./failure.js";
import type { CircuitBreaker as AsyncCircuitBreaker } from "./index.js";
import { callNow, isAsync, misused } from "./now.js";
import { COUNTING, type Counting, checkOperation, checkOptions } from "./options.js";
import type { CircuitReport } from "./report.js";
import type { CircuitMode, CircuitPermit } from "./wit.js";

/** A handle on a circuit. */
export class CircuitBreaker {
  readonly #breaker: AsyncCircuitBreaker;
  readonly #clock: Clock;

  /** @internal */
  constructor(breaker: AsyncCircuitBreaker, clock: Clock) {
    this.#breaker = breaker;
    this.#clock = clock;
  }

  /** The settings. */
  get config(): CircuitBreakerConfig {
    return this.#breaker.config;
  }

  /** The circuit of the same settings for `key`. */
  keyed(key: string): CircuitBreaker {
    return new CircuitBreaker(this.#breaker.keyed(key), this.#clock);
  }

  /** Asks to make a call. Whoever is admitted hands the permit back with the outcome. */
  admit(): CircuitReport {
    return this.#breaker.admitNow();
  }

  /** The call succeeded, after `elapsedMs`. */
  succeeded(permit: CircuitPermit, elapsedMs: number): CircuitReport {
    return this.#breaker.askNow(this.#breaker.request("succeeded", permit, elapsedMs));
  }

  /** The call failed, after `elapsedMs`. */
  failed(permit: CircuitPermit, elapsedMs: number, failure: Failure): CircuitReport {
    return this.#breaker.askNow(this.#breaker.request("failed", permit, elapsedMs, failure));
  }

  /**
   * The call was not made or was given up after `elapsedMs`: no outcome, but that it was slow if it
   * took that long.
   */
  cancelled(permit: CircuitPermit, elapsedMs = 0): CircuitReport {
    return this.#breaker.askNow(this.#breaker.request("cancelled", permit, elapsedMs));
  }

  /** Reads the circuit and changes nothing. */
  status(): CircuitReport {
    return this.#breaker.askNow(this.#breaker.statusRequest);
  }

  /** Orders a mode; `normal` takes the order back. */
  setMode(mode: CircuitMode): CircuitReport {
    return this.#breaker.askNow(this.#breaker.modeRequest(mode));
  }

  /** Closes the circuit and clears its counts and back-off. */
  reset(): CircuitReport {
    return this.#breaker.askNow(this.#breaker.resetRequest);
  }

  /**
   * Makes a call through the circuit: throws a `CircuitOpenError` where it is refused, and records
   * its outcome. A generator that the operation returns is guarded to its end; a reader who stops
   * early has given the call up. What only somebody who waits can have is not guarded here: for a
   * promise, an async generator or a stream it throws a `MisuseError`, and nothing is counted.
   * `call` of a circuit breaker that is not blocking is for those.
   */
  call<R>(operation: () => R, options: Counting<R> = {}): R {
    checkOperation(operation);
    checkOptions(options, COUNTING);
    if (isAsync(operation)) throw misused();
    const admit = () => {
      const report = this.admit();
      this.#breaker.assertAdmitted(report);
      return new Admission(this, permitIn(report), () => this.#clock.nowUs());
    };
    return callNow(this.#breaker.circuit, admit, operation, this.#breaker.counting(options));
  }
}
