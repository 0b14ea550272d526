/**
 * What this host decides by itself while the store is away: the same policies, on a memory of its
 * own.
 */

import { Memory } from "../store/memory.js";
import type { AnswerTo, AnyPolicy, AnyRequest, Policy, Types } from "../strategy.js";
import type { Transaction } from "../transaction/transaction.js";
import { Onward } from "./onward.js";

/** Runs a policy on a transaction. */
type Run = (policy: AnyPolicy, request: AnyRequest, transaction: Transaction) => unknown;

/** This host alone. */
export class Alone {
  readonly #run: Run;
  /**
   * What counts in the next outage too, such as shares of limits: the next one in the same window
   * does not begin with new ones.
   */
  readonly #lasting: Memory;
  /** What counts in one outage: when the store is back, its state is the true one. */
  #passing: Memory;
  readonly #time: Onward;

  /** On this many keys of each kind at most. */
  constructor(run: Run, capacity: number, clock: { nowUs(): number }) {
    this.#time = new Onward(clock);
    this.#lasting = memory(capacity);
    this.#passing = memory(capacity);
    this.#run = run;
  }

  /** Makes a call, when the store's clock is believed to say `storeUs`. */
  run<T extends Types, const R extends T["request"]>(
    tag: string,
    storeUs: number,
    policy: Policy<T>,
    request: R,
  ): AnswerTo<T, R> {
    const memory = policy.strategy.outlastsOutage ? this.#lasting : this.#passing;
    return memory.run(tag, this.#time.nowUs(storeUs), this.#run, policy, request) as AnswerTo<T, R>;
  }

  /** The store is back, and with it its own state. */
  storeIsBack(): void {
    this.#passing = memory(this.#lasting.capacity);
  }
}

/** Whoever finds no room is not admitted: a share must not be given twice. */
function memory(capacity: number): Memory {
  return new Memory({ capacity, whenFull: "refuse" });
}
