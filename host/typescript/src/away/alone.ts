/**
 * What this host decides by itself while the store is away: the same policies, on a memory of its
 * own.
 */

import type { Answer, Request } from "../call.js";
import type { Runtime } from "../runtime/index.js";
import type { Policy } from "../runtime/policy.js";
import { Memory } from "../store/memory.js";
import type { Transaction } from "../transaction/transaction.js";
import { Onward } from "./onward.js";

/** This host alone. */
export class Alone {
  readonly #run: (policy: Policy, request: Request, transaction: Transaction) => Answer;
  /**
   * Shares of limits. They outlive an outage, so that the next one in the same window does not
   * begin with new ones.
   */
  readonly #shares: Memory;
  #circuits: Memory;
  readonly #time: Onward;

  /** On this many keys of each kind at most. */
  constructor(runtime: Runtime, capacity: number, clock: { nowUs(): number }) {
    this.#time = new Onward(clock);
    this.#shares = memory(capacity);
    this.#circuits = memory(capacity);
    this.#run = (policy, request, transaction) => runtime.run(policy, request, transaction);
  }

  /** A call of a limiter, when the store's clock is believed to say `storeUs`. */
  limit(tag: string, storeUs: number, policy: Policy, request: Request): Answer {
    return this.#shares.run(tag, this.#time.nowUs(storeUs), this.#run, policy, request);
  }

  /** A call of a circuit. */
  guard(tag: string, storeUs: number, policy: Policy, request: Request): Answer {
    return this.#circuits.run(tag, this.#time.nowUs(storeUs), this.#run, policy, request);
  }

  /** The store is back, and with it its circuits: the next outage begins with closed ones. */
  forgetCircuits(): void {
    this.#circuits = memory(this.#shares.capacity);
  }
}

/** Whoever finds no room is not admitted: a share must not be given twice. */
function memory(capacity: number): Memory {
  return new Memory({ capacity, whenFull: "refuse" });
}
