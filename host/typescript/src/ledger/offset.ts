/** How far the store's clock is from this host's. */

/**
 * How long a sample is good for, in microseconds of the host's clock: in this time two clocks drift
 * apart by less than a round trip takes.
 */
const KEEP_US = 1_000_000;

const UNKNOWN = Number.NEGATIVE_INFINITY;

/**
 * The store's clock as seen from here: never ahead of it, as far as this host can know.
 *
 * A reply that left the store when its clock said T and is here when ours says L shows that at our
 * L the store's clock says T or more. So T - L is a lower bound of the offset, the better the
 * faster the reply came; the best of the last one to two seconds is used.
 */
export class Offset {
  #best = UNKNOWN;
  #before = UNKNOWN;
  #sinceUs = 0;

  /** The store's clock, given ours; undefined: not known yet. */
  storeUs(localUs: number): number | undefined {
    const offset = Math.max(this.#best, this.#before);
    return offset === UNKNOWN ? undefined : Math.max(localUs + offset, 0);
  }

  /** Takes in that the store's clock said `storeUs` not after ours says `localUs`. */
  learn(storeUs: number, localUs: number): void {
    if (Math.abs(localUs - this.#sinceUs) > KEEP_US) {
      this.#before = this.#best;
      this.#best = UNKNOWN;
      this.#sinceUs = localUs;
    }
    this.#best = Math.max(this.#best, storeUs - localUs);
  }

  /**
   * Starts over: what was known turned out wrong, because one of the clocks jumped or drifted, or
   * the store is another.
   */
  correct(storeUs: number, localUs: number): void {
    this.#best = storeUs - localUs;
    this.#before = UNKNOWN;
    this.#sinceUs = localUs;
  }
}
