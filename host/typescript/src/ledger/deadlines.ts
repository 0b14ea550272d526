/**
 * How long calls wait for the store: none longer than one operation may take, the time in line included.
 *
 * All calls have the same limit and so come due in their order; one timer serves them all. Those of one tick are given their
 * time together, so that a call costs no look at the clock.
 */

import type { Clock } from "../clock.js";
import type { Call } from "./lanes.js";
import { soon } from "./tick.js";

declare function setImmediate(callback: () => void): unknown;

/** How many calls in front may be done before they are cut off. */
const MAX_DONE = 1_024;

/** Calls that wait for the store. */
export class Deadlines {
  readonly #clock: Clock;
  readonly #limitUs: number;
  readonly #end: (call: Call) => void;
  /** Calls of this tick. */
  #fresh: Call[] = [];
  /** The others, the one that comes due first in front; and where that is. */
  #waiting: (Call | undefined)[] = [];
  #first = 0;
  #isTimed = false;

  /** @param end what is done with a call that has waited too long */
  constructor(clock: Clock, limitMs: number, end: (call: Call) => void) {
    this.#clock = clock;
    this.#limitUs = limitMs * 1_000;
    this.#end = end;
  }

  /** A call begins to wait. */
  add(call: Call): void {
    if (this.#fresh.push(call) === 1) soon(() => this.#stamp());
  }

  #stamp(): void {
    const dueUs = this.#clock.nowUs() + this.#limitUs;
    for (const call of this.#fresh) {
      call.dueUs = dueUs;
      this.#waiting.push(call);
    }
    this.#fresh = [];
    this.#forgetDone();
    this.#watch();
  }

  /** Drops the calls in front that wait no more. At once, because what is kept for a while costs the collector most. */
  #forgetDone(): void {
    while (this.#waiting[this.#first]?.isDone) this.#waiting[this.#first++] = undefined;
    if (this.#first === this.#waiting.length) {
      this.#waiting.length = 0;
      this.#first = 0;
    } else if (this.#first > MAX_DONE && this.#first * 2 > this.#waiting.length) {
      this.#waiting = this.#waiting.slice(this.#first);
      this.#first = 0;
    }
  }

  /** Sees to it that the first call is looked at when it is due. */
  #watch(): void {
    const first = this.#waiting[this.#first];
    if (this.#isTimed || first === undefined) return;
    this.#isTimed = true;
    const waitMs = Math.max(first.dueUs - this.#clock.nowUs(), 0) / 1_000;
    this.#clock.after(waitMs, () => this.#due(), true);
  }

  #due(): void {
    // Where this process was busy, the answer may be here already and unread: timers come before reading.
    if (typeof setImmediate === "function") setImmediate(() => this.#expire());
    else this.#expire();
  }

  #expire(): void {
    this.#isTimed = false;
    const nowUs = this.#clock.nowUs();
    for (let index = this.#first; index < this.#waiting.length; index++) {
      const call = this.#waiting[index];
      if (call === undefined) continue;
      if (call.dueUs > nowUs) break;
      if (!call.isDone) this.#end(call);
    }
    this.#forgetDone();
    this.#watch();
  }
}
