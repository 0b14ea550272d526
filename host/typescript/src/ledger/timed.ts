/** A store whose operations end in time, for one that does not see to that itself. */

import type { Clock } from "../clock.js";
import type { EntityKey } from "../key.js";
import { timedOut } from "../store/errors.js";
import type { Commit, Reply, Store } from "../store/store.js";

/** The store, or one round it that ends its operations when their time is over. */
export function inTime(store: Store, clock: Clock): Store {
  const { timeoutMs } = store;
  return timeoutMs === undefined || store.keepsTimeout ? store : new Timed(store, clock, timeoutMs);
}

class Timed implements Store {
  readonly keepsTimeout = true;
  readonly outlivesProcesses: boolean;
  readonly #store: Store;
  readonly #clock: Clock;

  constructor(
    store: Store,
    clock: Clock,
    readonly timeoutMs: number,
  ) {
    this.#store = store;
    this.outlivesProcesses = store.outlivesProcesses === true;
    this.#clock = clock;
  }

  commit(commit: Commit): Promise<Reply> {
    const reply = this.#store.commit(commit);
    return this.#within(reply, reply);
  }

  timeUs(of?: EntityKey): Promise<number> {
    return this.#within(this.#store.timeUs(of));
  }

  isAtomicOver(entities: readonly EntityKey[]): boolean {
    return this.#store.isAtomicOver(entities);
  }

  shardOf(entity: EntityKey): number {
    return this.#store.shardOf?.(entity) ?? 0;
  }

  onRefused(tell: Parameters<NonNullable<Store["onRefused"]>>[0]): void {
    this.#store.onRefused?.(tell);
  }

  #within<R>(work: Promise<R>, late?: Promise<Reply>): Promise<R> {
    return new Promise((resolve, reject) => {
      const end = () => reject(timedOut(this.timeoutMs, late));
      const forget = this.#clock.after(this.timeoutMs, () => afterReading(end), true);
      work.then(
        value => {
          forget();
          resolve(value);
        },
        (error: unknown) => {
          forget();
          reject(error);
        },
      );
    });
  }
}

declare function setImmediate(callback: () => void): unknown;

/**
 * Where this process was busy, the answer may be here already and unread: timers come before
 * reading.
 */
function afterReading(work: () => void): void {
  if (typeof setImmediate === "function") setImmediate(work);
  else work();
}
