/** Makes an admitted call, and tells how it ended. */

import type { PlatformSignal } from "../../attempt.js";
import { Attempt, isTimeout } from "../../attempt.js";
import type { Core } from "../../core.js";
import { isCallTimeoutError, isTidegateError } from "../../errors.js";
import { Within } from "../../nesting.js";
import { logOnce } from "../../tell.js";
import type { Failure } from "./failure.js";
import { failureOf, isFailure } from "./failure.js";
import { type Ending, guardedToItsEnd } from "./lasting.js";
import type { CallOptions, Counting } from "./options.js";

/** A call that was admitted. It has one outcome. */
export interface Admitted {
  readonly isProbe: boolean;
  succeeded(): unknown;
  failed(failure: Failure): unknown;
  /** `isCounted`: after the slow-call time it counts as slow. */
  cancelled(isCounted: boolean): unknown;
  /** From now on the time is not the call's, until {@link resume}. */
  pause?(): void;
  resume?(): void;
}

/** A call within another of the same circuit: the outcome of that one is what counts. */
export const WITHIN: Admitted = {
  isProbe: false,
  succeeded: () => undefined,
  failed: () => undefined,
  cancelled: () => undefined,
};

/** What counts of errors. */
type Errors = Pick<Counting, "failureOf" | "countRefusals">;

/** What became of a call that did not return. */
export type Judgement = { readonly failure: Failure } | { readonly isCounted: boolean };

/** What an error, or being given up, counts as. */
export function judge(error: unknown, stopped: { readonly reason: unknown } | undefined, how: Errors): Judgement {
  if (stopped !== undefined) {
    return isTimeout(stopped.reason) ? { failure: failureBy(how, stopped.reason) } : { isCounted: true };
  }
  if (how.countRefusals !== true && isRefusal(error)) return { isCounted: false };
  return { failure: failureBy(how, error) };
}

/** How far down its causes an error is looked at for a refusal. */
const MAX_CAUSES = 16;

/**
 * Whether it is Tidegate's own, or comes from one: nothing that the guarded thing has done. A time
 * limit that ran out is.
 */
function isRefusal(error: unknown): boolean {
  let each = error;
  for (let depth = 0; depth < MAX_CAUSES && each !== undefined; depth++) {
    if (isTidegateError(each)) return !isCallTimeoutError(each);
    try {
      each = (each as { cause?: unknown } | null)?.cause;
    } catch {
      return false;
    }
  }
  return false;
}

function failureBy({ failureOf: own }: Errors, error: unknown): Failure {
  if (own === undefined) return failureOf(error);
  try {
    const failure = own(error);
    if (isFailure(failure)) return failure;
    logOnce(own, "failureOf", failure);
  } catch (thrown) {
    logOnce(own, "failureOf", thrown);
  }
  return failureOf(error);
}

/** A result that is a failure, and what says nothing of it but that. */
const SOME_FAILURE: Failure = { name: "FailureIf", message: "", code: "" };

/** What a result failed with; undefined: it did not. */
export function failureIn<R>(result: R, { failureIf }: Counting<R>): Failure | undefined {
  if (failureIf === undefined) return undefined;
  try {
    const found = failureIf(result);
    if (found === true) return SOME_FAILURE;
    if (!found || isFailure(found)) return found || undefined;
    logOnce(failureIf, "failureIf", found);
  } catch (thrown) {
    logOnce(failureIf, "failureIf", thrown);
  }
  return undefined;
}

/** What a guarded operation is. */
export type Operation<R> = (signal: PlatformSignal) => R | PromiseLike<R>;

/** Where a call is made: on which circuit of which gate. */
export interface Circuit {
  readonly core: Core;
  /** Which of those on the same store. */
  readonly tag: string;
}

/** One guarded call. */
export class GuardedCall<R> implements Ending {
  readonly #core: Core;
  readonly #admitted: Admitted;
  readonly #options: CallOptions<R>;
  readonly #attempt: Attempt | undefined;
  readonly #within: Within | undefined;

  constructor({ core, tag }: Circuit, admitted: Admitted, options: CallOptions<R>, isHeard: boolean) {
    this.#core = core;
    this.#admitted = admitted;
    this.#options = options;
    const { signal, timeoutMs } = options;
    const isBare = signal === undefined && timeoutMs === undefined && !isHeard;
    this.#attempt = isBare ? undefined : new Attempt(core.clock, options, isHeard);
    this.#within = admitted === WITHIN ? undefined : new Within(core.place, tag, admitted.isProbe);
  }

  /** Makes the call and has its outcome counted; what it comes to. */
  async made(operation: Operation<R>): Promise<R> {
    let result: R;
    try {
      const work = this.enter(() => operation(this.#attempt?.signal as PlatformSignal));
      result = await (this.#attempt === undefined ? work : this.#attempt.race(work));
    } catch (error) {
      await this.failed(error);
      throw error;
    }
    const lasting = guardedToItsEnd(result, this.#attempt, this);
    if (lasting !== undefined) return lasting as R;
    const failure = failureIn(result, this.#options);
    await (failure === undefined ? this.succeeded() : this.#settle(() => this.#admitted.failed(failure)));
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

  succeeded(): Promise<void> {
    return this.#settle(() => this.#admitted.succeeded());
  }

  async failed(error: unknown): Promise<void> {
    const judgement = judge(error, this.#attempt?.stopped, this.#options);
    if ("failure" in judgement) return this.#settle(() => this.#admitted.failed(judgement.failure));
    // Whoever aborts a call does not wait for it.
    void this.#giveUp(judgement.isCounted);
  }

  /** A reader who stops early may wait until its place is free. */
  cancelled(): Promise<void> {
    return this.#giveUp(true);
  }

  /** In the background too, as not everybody waits. */
  #giveUp(isCounted: boolean): Promise<void> {
    const told = this.#settle(() => this.#admitted.cancelled(isCounted));
    this.#core.background(told);
    return told;
  }

  /**
   * The operation has happened; its caller is better served with its result than with a store's
   * trouble.
   */
  async #settle(outcome: () => unknown): Promise<void> {
    this.#attempt?.end();
    this.#within?.end();
    try {
      await outcome();
    } catch {
      this.#core.lost++;
    }
  }
}
