/** One run of a guarded operation: how long it may take, and who may give it up. */

import type { Clock } from "./clock.js";
import { CallTimeoutError, isCallTimeoutError } from "./errors.js";
import { type Signal, whenAborted } from "./signal.js";

/** The platform's `AbortSignal`, where there are types for it; else what Tidegate needs of one. */
export type PlatformSignal = typeof globalThis extends { AbortSignal: { prototype: infer S } } ? S : Signal;

declare class AbortController {
  readonly signal: Signal;
  abort(reason?: unknown): void;
}

/** What may end an operation before it ends by itself. */
export interface Limits {
  /** The caller's signal. */
  readonly signal?: Signal | undefined;
  /** How long it may take, in milliseconds. */
  readonly timeoutMs?: number | undefined;
}

/** Stopped once, by its caller's signal or by its time limit; over once, when it has ended. */
export class Attempt {
  readonly #signal: Signal | undefined;
  readonly #controller: AbortController | undefined;
  readonly #rejects = new Set<(reason: unknown) => void>();
  #unwatch: (() => void) | undefined;
  #cancelTimer: (() => void) | undefined;
  #stopped: { readonly reason: unknown } | undefined;
  /** Told when it is stopped, after those who wait. */
  onStop: ((reason: unknown) => void) | undefined;

  /**
   * @param isHeard whether the operation takes a signal. To make one costs some microseconds, which
   * a call without a limit should not pay for nothing.
   */
  constructor(clock: Clock, { signal, timeoutMs }: Limits, isHeard: boolean) {
    this.#signal = signal;
    // Not `AbortSignal.any`, which keeps what it has made for as long as the caller's signal lives.
    if (timeoutMs !== undefined || (isHeard && signal === undefined)) this.#controller = new AbortController();
    if (signal !== undefined) this.#unwatch = whenAborted(signal, () => this.#stop(signal.reason));
    if (timeoutMs !== undefined) {
      this.#cancelTimer = clock.after(timeoutMs, () => this.#stop(new CallTimeoutError(timeoutMs)));
    }
  }

  /** What the operation is given. */
  get signal(): PlatformSignal {
    return (this.#controller?.signal ?? this.#signal) as unknown as PlatformSignal;
  }

  /** Why it was given up; undefined: it was not. */
  get stopped(): { readonly reason: unknown } | undefined {
    // The operation may hear of an abort, and fail, before this does.
    if (this.#stopped === undefined && this.#signal?.aborted) this.#stop(this.#signal.reason);
    return this.#stopped;
  }

  /**
   * What `work` comes to; or it rejects as soon as the attempt is given up, and then nobody hears
   * what `work` comes to.
   */
  race<R>(work: R | PromiseLike<R>): Promise<Awaited<R>> {
    return new Promise((resolve, reject) => {
      const done = () => this.#rejects.delete(reject);
      Promise.resolve(work).then(
        value => {
          done();
          resolve(value);
        },
        error => {
          done();
          reject(error);
        },
      );
      if (this.stopped !== undefined) reject(this.stopped.reason);
      else this.#rejects.add(reject);
    });
  }

  /** It has ended, one way or the other: nothing stops it any more. */
  end(): void {
    this.#unwatch?.();
    this.#cancelTimer?.();
    this.onStop = undefined;
  }

  #stop(reason: unknown): void {
    if (this.#stopped !== undefined) return;
    this.#stopped = { reason };
    const [rejects, onStop] = [[...this.#rejects], this.onStop];
    this.#rejects.clear();
    this.end();
    // Before the operation hears of it, so that its own error is not what the caller gets.
    for (const reject of rejects) reject(reason);
    onStop?.(reason);
    this.#controller?.abort(reason);
  }
}

/**
 * Whether a call was given up because it took too long: that is a failure. Whoever has lost
 * interest has seen none.
 */
export function isTimeout(reason: unknown): boolean {
  if (isCallTimeoutError(reason)) return true;
  try {
    return typeof reason === "object" && reason !== null && (reason as { name?: unknown }).name === "TimeoutError";
  } catch {
    return false;
  }
}
