/**
 * What nobody waits for and was not sent, because the store was away: outcomes, and what is given
 * back.
 */

import type { Request } from "../call.js";
import type { EntityKey } from "../key.js";
import type { Policy } from "../runtime/policy.js";

/** How much is kept. */
const CAPACITY = 4_096;

/** A call for later. */
export interface Kept {
  readonly entity: EntityKey;
  readonly policy: Policy;
  readonly request: Request;
}

/** Calls that wait for the store to be back, in their order. */
export class Aside {
  #kept: Kept[] = [];

  /** Keeps a call. False: there is no room. */
  keep(call: Kept): boolean {
    if (this.#kept.length >= CAPACITY) return false;
    this.#kept.push(call);
    return true;
  }

  /** Takes out all that are wanted. */
  take(isWanted: (entity: EntityKey) => boolean): Kept[] {
    const taken = this.#kept.filter(({ entity }) => isWanted(entity));
    if (taken.length > 0) this.#kept = this.#kept.filter(({ entity }) => !isWanted(entity));
    return taken;
  }
}
