/**
 * What nobody waits for and was not sent, because the store was away: outcomes, and what is given
 * back.
 */

import type { EntityKey } from "../key.js";
import type { AnyPolicy, AnyRequest } from "../strategy.js";

/** How many calls are parked at most. */
const CAPACITY = 4_096;

/** A call for later. */
export interface ParkedCall {
  readonly entity: EntityKey;
  readonly policy: AnyPolicy;
  readonly request: AnyRequest;
}

/** Calls that wait for the store to be back, in their order. */
export class Parked {
  #calls: ParkedCall[] = [];

  /** Parks a call. False: there is no room. */
  park(call: ParkedCall): boolean {
    if (this.#calls.length >= CAPACITY) return false;
    this.#calls.push(call);
    return true;
  }

  /** Takes out all that are wanted. */
  take(isWanted: (entity: EntityKey) => boolean): ParkedCall[] {
    const taken = this.#calls.filter(({ entity }) => isWanted(entity));
    if (taken.length > 0) this.#calls = this.#calls.filter(({ entity }) => !isWanted(entity));
    return taken;
  }
}
