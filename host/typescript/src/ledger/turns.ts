/**
 * Turns: lanes whose next batch waits until the store has room for it, first come, first served.
 */

import type { Lane } from "./lanes.js";
import type { Pace } from "./pace.js";
import { soon } from "./tick.js";

/** How many lanes in front may have had their turn before they are cut off. */
const MAX_GONE = 1_024;

/** Lanes that wait for their turn. */
export class Turns {
  readonly #pace: Pace;
  readonly #go: (lane: Lane) => void;
  /** The one that goes first in front; and where that is. */
  #lanes: (Lane | undefined)[] = [];
  #first = 0;
  #isSoon = false;

  /** @param go takes a lane's next batch; who is on its way is the pace's to count */
  constructor(pace: Pace, go: (lane: Lane) => void) {
    this.#pace = pace;
    this.#go = go;
  }

  /**
   * A lane waits for its turn. It goes at the end of this tick at the earliest, when all who were
   * called back in it have come again.
   */
  push(lane: Lane): void {
    this.#lanes.push(lane);
    this.goOn();
  }

  /** Lets go who may, soon. */
  goOn(): void {
    if (this.#isSoon || this.#first === this.#lanes.length || !this.#pace.hasRoom) return;
    this.#isSoon = true;
    soon(() => this.#letGo());
  }

  /** Lets go all who will not be sent, and so need no room. */
  dismiss(isDismissed: (lane: Lane) => boolean): void {
    const lanes = this.#lanes.slice(this.#first) as Lane[];
    this.#lanes = lanes.filter(lane => !isDismissed(lane));
    this.#first = 0;
    for (const lane of lanes) if (isDismissed(lane)) this.#go(lane);
  }

  #letGo(): void {
    this.#isSoon = false;
    // Those who come meanwhile go in the next tick, together with others.
    for (let left = this.#lanes.length - this.#first; left > 0 && this.#pace.hasRoom; left--) {
      const lane = this.#lanes[this.#first] as Lane;
      this.#lanes[this.#first++] = undefined;
      this.#go(lane);
    }
    this.#forgetGone();
    this.goOn();
  }

  #forgetGone(): void {
    if (this.#first === this.#lanes.length) {
      this.#lanes.length = 0;
      this.#first = 0;
    } else if (this.#first > MAX_GONE && this.#first * 2 > this.#lanes.length) {
      this.#lanes = this.#lanes.slice(this.#first);
      this.#first = 0;
    }
  }
}
