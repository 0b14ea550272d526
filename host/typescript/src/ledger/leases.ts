/** Leases that this host holds, to be given back when they are over. */

import type { Clock } from "../clock.js";
import type { Policy } from "../runtime/policy.js";
import { Call, type Lane } from "./lanes.js";

/** A lease in hand. */
interface Held {
  readonly policy: Policy;
  /** Takes back that it is released when it is over. */
  readonly forget: () => void;
}

/**
 * The leases of a ledger, one a lane at most. What a policy knows of them is in the lane's local
 * cells.
 */
export class Leases {
  readonly #clock: Clock;
  readonly #push: (call: Call) => void;
  readonly #held = new Map<Lane, Held>();

  constructor(clock: Clock, push: (call: Call) => void) {
    this.#clock = clock;
    this.#push = push;
  }

  /** A call in the lane has taken a lease that is over after this many milliseconds. */
  taken(lane: Lane, policy: Policy, afterMs: number): void {
    this.#held.get(lane)?.forget();
    const release = () => {
      this.#held.delete(lane);
      this.#release(lane, policy, false);
    };
    this.#held.set(lane, { policy, forget: this.#clock.after(afterMs, release, true) });
  }

  /** Gives all of them back. */
  releaseAll(): void {
    for (const [lane, { policy, forget }] of this.#held) {
      forget();
      this.#release(lane, policy, true);
    }
    this.#held.clear();
  }

  #release(lane: Lane, policy: Policy, now: boolean): void {
    this.#push(new Call(lane, policy, { kind: "release", now }, undefined, undefined));
  }
}
