/** A time that never runs backwards. */

/**
 * A clock's time, going on where it was when the clock is set back: what waits for a time must not
 * wait for an hour more because the time of day was corrected by one.
 */
export class SteadyTime {
  readonly #clock: { nowUs(): number };
  #lastUs = 0;
  #aheadUs = 0;

  constructor(clock: { nowUs(): number }) {
    this.#clock = clock;
  }

  /** In microseconds; only differences mean something. */
  nowUs(): number {
    const nowUs = this.#clock.nowUs();
    if (nowUs < this.#lastUs) this.#aheadUs += this.#lastUs - nowUs;
    this.#lastUs = nowUs;
    return nowUs + this.#aheadUs;
  }
}
