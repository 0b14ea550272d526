/** Waiting that can be given up. */

import type { Clock } from "./clock.js";

/** What an `AbortSignal` is to Tidegate. */
export interface Signal {
  readonly aborted: boolean;
  readonly reason: unknown;
  addEventListener(type: "abort", listener: () => void): void;
  removeEventListener(type: "abort", listener: () => void): void;
}

/**
 * All who wait on one signal, behind one listener: Node warns of a leak from the eleventh listener
 * on.
 */
class Waiters {
  readonly #callbacks = new Set<() => void>();
  readonly #tell = () => {
    for (const callback of [...this.#callbacks]) callback();
  };

  add(signal: Signal, callback: () => void): void {
    if (this.#callbacks.size === 0) signal.addEventListener("abort", this.#tell);
    this.#callbacks.add(callback);
  }

  remove(signal: Signal, callback: () => void): void {
    if (!this.#callbacks.delete(callback) || this.#callbacks.size > 0) return;
    signal.removeEventListener("abort", this.#tell);
    waiters.delete(signal);
  }
}

const waiters = new WeakMap<Signal, Waiters>();

/**
 * Calls back when the signal is aborted, once, unless what it returns was called before. The
 * callback must not throw.
 */
export function whenAborted(signal: Signal, callback: () => void): () => void {
  let all = waiters.get(signal);
  if (all === undefined) {
    all = new Waiters();
    waiters.set(signal, all);
  }
  const waiting = all;
  // Each has a callback of its own, so that nobody takes another's away.
  const once = () => {
    forget();
    callback();
  };
  const forget = () => waiting.remove(signal, once);
  waiting.add(signal, once);
  return forget;
}

/** Resolves after `ms` milliseconds; rejects with the signal's reason as soon as it is aborted. */
export function sleep(clock: Clock, ms: number, signal: Signal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const cancel = clock.after(ms, () => {
      forget?.();
      resolve();
    });
    const forget =
      signal &&
      whenAborted(signal, () => {
        cancel();
        reject(signal.reason);
      });
  });
}

/**
 * What `work` comes to, or the signal's reason as soon as it is aborted; then nobody hears what
 * `work` comes to.
 */
export function orAborted<T>(work: PromiseLike<T>, signal: Signal): Promise<T> {
  return new Promise((resolve, reject) => {
    const forget = whenAborted(signal, () => reject(signal.reason));
    work.then(
      value => {
        forget();
        resolve(value);
      },
      error => {
        forget();
        reject(error);
      },
    );
    if (signal.aborted) {
      forget();
      reject(signal.reason);
    }
  });
}
