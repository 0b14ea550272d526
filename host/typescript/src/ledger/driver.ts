/** Driver: takes the batches of lanes to the store, each when it is its turn. */

import type { StoreWatch } from "../away/watch.js";
import type { Clock } from "../clock.js";
import { isOutage } from "../store/errors.js";
import type { Commits } from "./commits.js";
import type { GiveWay } from "./contention.js";
import type { Endings } from "./endings.js";
import type { Call, Lane } from "./lanes.js";
import type { Pace } from "./pace.js";
import { Turns } from "./turns.js";

/** What lanes are driven with. */
export interface DriverParts {
  readonly watch: StoreWatch;
  readonly clock: Clock;
  readonly pace: Pace;
  readonly giveWay: GiveWay;
  readonly commits: Commits;
  readonly endings: Endings;
  /** How many calls go out together at most. */
  readonly maxBatch: number;
}

/** Drives lanes. */
export class Driver {
  readonly #parts: DriverParts;
  readonly #turns: Turns;

  constructor(parts: DriverParts) {
    this.#parts = parts;
    this.#turns = new Turns(parts.pace, lane => void this.#settle(lane));
  }

  /** A call joins its lane. */
  push(call: Call): void {
    const { lane } = call;
    lane.push(call);
    if (!lane.isDriven) this.drive(lane);
  }

  /** Takes the lane's next batch when it is its turn. */
  drive(lane: Lane): void {
    lane.isDriven = true;
    this.#turns.push(lane);
  }

  /** The store has gone away: whoever waits for it is answered at once. */
  turnBackAway(): void {
    const { watch } = this.#parts;
    this.#turns.dismiss(lane => !watch.isAvailable(lane.shard));
  }

  /**
   * Settles one batch of a lane. Whoever is answered may ask again at once, so the lane is free by
   * then: nothing is awaited after the answers.
   */
  async #settle(lane: Lane): Promise<void> {
    const { pace, giveWay, clock, watch, commits, endings, maxBatch } = this.#parts;
    const { contention } = lane.known;
    pace.begin();
    // Before the batch is made, so that whoever comes meanwhile goes along.
    if (contention.isFelt) await giveWay(contention, clock.nowUs());
    if (watch.turnsAway(lane.shard)) {
      endings.turnBack(lane, watch.refusal(lane.shard));
    } else {
      const batch = lane.take(maxBatch);
      lane.isOnItsWay = true;
      const failure = batch.length > 0 ? await commits.settle(lane, batch) : undefined;
      lane.isOnItsWay = false;
      endings.reply(batch);
      // Where nobody finds out that the store is away, what has lined up meanwhile would only wait
      // for the same.
      if (isOutage(failure) && !watch.isOn) endings.turnBack(lane, failure);
    }
    pace.end();
    if (lane.isEmpty) lane.isDriven = false;
    else this.drive(lane);
    this.#turns.goOn();
  }
}
