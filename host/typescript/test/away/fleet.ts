/**
 * Gates on one store over links that can be cut or held up, on a clock that stands still until it
 * is moved.
 */

import { setImmediate } from "node:timers/promises";
import { ManualClock } from "../../src/clock.js";
import { type StoreChange, Tidegate, type TidegateOptions } from "../../src/index.js";
import { Memory } from "../../src/store/memory.js";
import { MemoryStore } from "../../src/store/memory-store.js";
import { Link } from "../ledger/world.js";

/** A gate, its way to the store, and what it told of it. */
export interface Host {
  readonly gate: Tidegate;
  readonly link: Link;
  readonly changes: StoreChange[];
}

/** A store and its clock. */
export class Fleet {
  readonly clock = new ManualClock();
  readonly #store = new MemoryStore(new Memory(), this.clock);

  host(options: TidegateOptions = {}, timeoutMs?: number): Host {
    const link = new Link(this.#store);
    if (timeoutMs !== undefined) link.timeoutMs = timeoutMs;
    const changes: StoreChange[] = [];
    const onStoreChange = (change: StoreChange) => void changes.push(change);
    return { gate: new Tidegate({ store: link, clock: this.clock, onStoreChange, ...options }), link, changes };
  }

  /** Lets time pass, and what is then due be done. */
  async pass(ms: number): Promise<void> {
    this.clock.advanceMs(ms);
    await settled();
  }
}

/** What can be done without time passing is done. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await setImmediate();
}

/** Cuts the link and asks until the watch is open. */
export async function takeAway({ gate, link }: Host): Promise<void> {
  link.isCut = true;
  const limiter = gate.rateLimiter({ name: "canary", limits: [{ limit: 1, window: "second" }] });
  for (let failure = 0; failure < 3; failure++) await limiter.tryAcquire("me").catch(() => undefined);
}
