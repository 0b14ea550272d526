/**
 * A time by which this host decides alone: about that of the store, and never earlier than before.
 */

import { SteadyTime } from "./steady.js";

/**
 * While what is known of the store's clock is behind, one part in this many of the time that passes
 * is left out, so that this time and that come together again. Two clocks drift apart by less.
 */
const LEFT_OUT = 1_024;

/**
 * About the time of the store, that goes on when what is known of the store's clock is put right.
 * What was let go by an earlier time would be forgotten by a run at a later one, and let go again
 * when the time went back.
 */
export class Onward {
  readonly #steady: SteadyTime;
  #us = 0;
  #steadyUs = 0;

  constructor(clock: { nowUs(): number }) {
    this.#steady = new SteadyTime(clock);
    this.#steadyUs = this.#steady.nowUs();
  }

  /** The time, when the store's clock is believed to say `storeUs`. At first it is that. */
  nowUs(storeUs: number): number {
    const steadyUs = this.#steady.nowUs();
    const passedUs = steadyUs - this.#steadyUs;
    const onwardUs = this.#us === 0 ? 0 : this.#us + passedUs - Math.ceil(passedUs / LEFT_OUT);
    this.#us = Math.max(onwardUs, storeUs);
    this.#steadyUs = steadyUs;
    return this.#us;
  }
}
