/** Guarded calls without promises, on the memory store. */

import { MisuseError } from "../../errors.js";
import { isWithin, Within } from "../../nesting.js";
import { isThenable } from "../../tell.js";
import { type Admitted, type Circuit, failureIn, judge, WITHIN } from "./guarded.js";
import { type Ending, guardedToItsEnd, isLasting } from "./lasting.js";
import type { Counting } from "./options.js";

const ASYNC: ReadonlySet<string> = new Set(["[object AsyncFunction]", "[object AsyncGeneratorFunction]"]);

/** Whether a function says that it returns what only somebody who waits can have. */
export function isAsync(operation: unknown): boolean {
  return ASYNC.has(Object.prototype.toString.call(operation));
}

/** What whoever guards such a function without waiting is told. */
export function misused(): MisuseError {
  return new MisuseError(
    "a blocking circuit breaker cannot guard a promise, an async generator or a stream; use circuitBreaker of a Tidegate that is not blocking",
  );
}

/** Makes a call, unless the circuit refuses it. */
export function callNow<R>(circuit: Circuit, admit: () => Admitted, operation: () => R, options: Counting<R>): R {
  const admitted = isWithin(circuit.core.place, circuit.tag) ? WITHIN : admit();
  return new CallNow(circuit, admitted, options).made(operation);
}

class CallNow<R> implements Ending {
  readonly #circuit: Circuit;
  readonly #admitted: Admitted;
  readonly #options: Counting<R>;
  readonly #within: Within | undefined;

  constructor(circuit: Circuit, admitted: Admitted, options: Counting<R>) {
    this.#circuit = circuit;
    this.#admitted = admitted;
    this.#options = options;
    this.#within = admitted === WITHIN ? undefined : new Within(circuit.core.place, circuit.tag, admitted.isProbe);
  }

  made(operation: () => R): R {
    let result: R;
    try {
      result = this.enter(operation);
    } catch (error) {
      this.failed(error);
      throw error;
    }
    if (isThenable(result) || isLasting(result)) return this.#misused(result);
    const lasting = guardedToItsEnd(result, undefined, this);
    if (lasting !== undefined) return lasting as R;
    const failure = failureIn(result, this.#options);
    this.#settle(() => (failure === undefined ? this.#admitted.succeeded() : this.#admitted.failed(failure)));
    return result;
  }

  enter<T>(step: () => T): T {
    return this.#within === undefined ? step() : this.#within.run(step);
  }

  pause(): void {
    this.#admitted.pause?.();
  }

  resume(): void {
    this.#admitted.resume?.();
  }

  succeeded(): void {
    this.#settle(() => this.#admitted.succeeded());
  }

  failed(error: unknown): void {
    const judgement = judge(error, undefined, this.#options);
    const isFailure = "failure" in judgement;
    this.#settle(() =>
      isFailure ? this.#admitted.failed(judgement.failure) : this.#admitted.cancelled(judgement.isCounted),
    );
  }

  cancelled(): void {
    this.#settle(() => this.#admitted.cancelled(true));
  }

  /** It has begun, and nobody hears what it comes to: a rejection must not end the process. */
  #misused(result: unknown): never {
    this.#settle(() => this.#admitted.cancelled(false));
    if (isThenable(result)) Promise.resolve(result).catch(() => undefined);
    throw misused();
  }

  /** Whoever called is better served with what came of it than with a store's trouble. */
  #settle(outcome: () => unknown): void {
    this.#within?.end();
    try {
      outcome();
    } catch {
      this.#circuit.core.lost++;
    }
  }
}
