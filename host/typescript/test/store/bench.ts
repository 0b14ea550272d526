/** One entity of a store, to commit to at the store's present time. */

import { EntityKey } from "../../src/key.js";
import type { Op, Reply, Seen, Store } from "../../src/store/store.js";

let count = 0;

/** An entity that no other test has. */
export function newEntity(): EntityKey {
  return EntityKey.of("test", String(process.pid), String(count++));
}

export const get = (cell: number, expected: string | undefined): Op => ({ kind: "get", cell, expected });
export const observe = (cell: number): Op => ({ kind: "observe", cell });
/** A put that lives for a minute. */
export const put = (cell: number, value: string | undefined): Op => ({ kind: "put", cell, value, ttlMs: 60_000 });
/** A raise that lives for a minute. */
export const raise = (cell: number, to: number): Op => ({ kind: "raise", cell, to, ttlMs: 60_000 });
export const retreat = (cell: number, step: number, floor: number): Op => ({ kind: "retreat", cell, step, floor });
/** An advance that lives for a minute and was told `fits`, `repeat` times. */
export function advance(cell: number, step: number, floor: number, ceiling: number, fits: boolean, repeat = 1): Op {
  return { kind: "advance", cell, step, floor, ceiling, ttlMs: 60_000, fits, repeat };
}

export class Bench {
  constructor(
    readonly store: Store,
    readonly entity: EntityKey = newEntity(),
  ) {}

  /** Commits operations on the entity's fields 0 to 3, which are cells 0 to 3. */
  async commit(...ops: Op[]): Promise<Reply> {
    return this.commitAt(await this.store.timeUs(), ...ops);
  }

  /** Like {@link commit}, at a time of the caller's. */
  commitAt(atUs: number, ...ops: Op[]): Promise<Reply> {
    const cells = [0, 1, 2, 3].map(field => ({ entity: 0, field }));
    return this.store.commit({ atUs, entities: [this.entity], cells, ops });
  }

  /** Commits and expects to be applied. */
  async apply(...ops: Op[]): Promise<readonly Seen[]> {
    const { outcome } = await this.commit(...ops);
    if (outcome.kind !== "applied") throw new Error(`not applied: ${JSON.stringify(outcome)}`);
    return outcome.seen;
  }

  /** Commits and expects to be refused; the true values. */
  async refusal(...ops: Op[]): Promise<readonly (string | undefined)[]> {
    const { outcome } = await this.commit(...ops);
    if (outcome.kind !== "refused") throw new Error(`not refused: ${JSON.stringify(outcome)}`);
    return outcome.values;
  }

  /** What a cell holds. */
  async value(cell: number): Promise<Seen> {
    return (await this.apply(observe(cell)))[0];
  }
}
