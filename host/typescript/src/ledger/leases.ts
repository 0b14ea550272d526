/** Leases that this host holds, to be given back when they are over. */

import type { Clock } from "../clock.js";
import type { AnyPolicy, AnyRequest, Lease } from "../strategy.js";
import { Call, type Lane } from "./lanes.js";

type AnyLease = Lease<AnyRequest>;

/** A lease in hand. */
interface Held {
  readonly policy: AnyPolicy;
  readonly lease: AnyLease;
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

  /** Sees to it that a lease that a call has taken is given back when it is over. */
  keep({ lane, policy, answer }: Call): void {
    const lease = answer === undefined ? undefined : policy?.strategy.lease(answer);
    if (policy !== undefined && lease !== undefined) this.#hold(lane, policy, lease);
  }

  #hold(lane: Lane, policy: AnyPolicy, lease: AnyLease): void {
    this.#held.get(lane)?.forget();
    const release = () => {
      this.#held.delete(lane);
      this.#release(lane, policy, lease, false);
    };
    this.#held.set(lane, { policy, lease, forget: this.#clock.after(lease.lifeMs, release, true) });
  }

  /** Gives all of them back. */
  releaseAll(): void {
    for (const [lane, { policy, lease, forget }] of this.#held) {
      forget();
      this.#release(lane, policy, lease, true);
    }
    this.#held.clear();
  }

  #release(lane: Lane, policy: AnyPolicy, lease: AnyLease, now: boolean): void {
    this.#push(new Call(lane, policy, lease.release(now), undefined, undefined));
  }
}
