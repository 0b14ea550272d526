/**
 * The embedded store behind the commit protocol: what a distant store does, without the distance.
 */

import type { EntityKey } from "../key.js";
import type { Place } from "../runtime/world.js";
import { Entity } from "../transaction/cells.js";
import { Transaction } from "../transaction/transaction.js";
import { full } from "./errors.js";
import type { Memory } from "./memory.js";
import {
  type Commit,
  MAX_LAG_US,
  MAX_NUMBER,
  type Op,
  type Outcome,
  type Reply,
  type Seen,
  type Store,
} from "./store.js";

/**
 * A {@link Memory} that takes commits on a clock of its own. For tests and simulations of the
 * protocol; `Memory` itself is faster where no distance is wanted.
 */
export class MemoryStore implements Store {
  readonly #memory: Memory;
  readonly #clock: { nowUs(): number };
  readonly #transaction = new Transaction();

  /** Serves the entities of `memory` on `clock`. */
  constructor(memory: Memory, clock: { nowUs(): number }) {
    this.#memory = memory;
    this.#clock = clock;
  }

  async commit(commit: Commit): Promise<Reply> {
    const clockUs = this.#clock.nowUs();
    if (commit.atUs > clockUs || commit.atUs + MAX_LAG_US < clockUs) {
      return { outcome: { kind: "untimely" }, clockUs, foreign: 0 };
    }
    const entities = commit.entities.map(key => this.#memory.find(key.tag) ?? new Entity());
    this.#transaction.beginDirectOn(clockUs, entities);
    const { outcome, foreign } = apply(this.#transaction, commit);
    this.#keep(commit.entities, entities, clockUs);
    return { outcome, clockUs, foreign };
  }

  async timeUs(): Promise<number> {
    return this.#clock.nowUs();
  }

  isAtomicOver(): boolean {
    return true;
  }

  /**
   * Takes newcomers in and drops what is over; without room for all newcomers the runs are undone.
   */
  #keep(keys: readonly EntityKey[], entities: readonly Entity[], nowUs: number): void {
    const newcomers = keys.filter((key, index) => !entities[index]?.isOver(nowUs) && !this.#memory.find(key.tag));
    const own = () => new Set(keys.map(key => key.tag));
    const hasRoom = newcomers.length === 0 || this.#memory.makeRoom(newcomers.length, nowUs, own());
    if (!hasRoom) this.#transaction.rollbackRun();
    keys.forEach((key, index) => {
      const entity = entities[index] as Entity;
      if (entity.isOver(nowUs)) this.#memory.drop(key.tag);
      else this.#memory.put(key.tag, entity, nowUs);
    });
    if (!hasRoom) throw full(this.#memory.capacity);
  }
}

/**
 * Applies all operations, or none; and counts the cells that held text where a number was needed.
 */
function apply(transaction: Transaction, commit: Commit): { outcome: Outcome; foreign: number } {
  const foreign = new Set<number>();
  const seen: Seen[] = [];
  const places = commit.cells.map(({ entity, field }): Place => ({ entity, field, scope: "shared" }));
  for (const op of commit.ops) {
    const at = places[op.cell] as Place;
    const moves = op.kind === "advance" || op.kind === "retreat" || op.kind === "raise";
    if (moves && transaction.holdsText(at)) foreign.add(op.cell);
    const known = applyOp(transaction, op, at);
    if (known === REFUSED) {
      transaction.rollbackRun();
      const values = places.map(at => transaction.get(at));
      return { outcome: { kind: "refused", values }, foreign: foreign.size };
    }
    seen.push(known);
  }
  return { outcome: { kind: "applied", seen }, foreign: foreign.size };
}

/** The run was told something that is not so. */
const REFUSED = Symbol("refused");

/** What was known when the operation was applied. */
function applyOp(transaction: Transaction, op: Op, at: Place): Seen | typeof REFUSED {
  switch (op.kind) {
    case "get":
      return transaction.get(at) === op.expected ? undefined : REFUSED;
    case "observe":
      return transaction.get(at);
    case "put":
      transaction.put(at, op.value, op.ttlMs);
      return undefined;
    case "advance": {
      const floor = bounded(op.floor);
      transaction.advance(at, 0, floor, MAX_NUMBER, op.ttlMs);
      const base = transaction.number;
      // All repetitions together may pass what a number can hold, and then do not fit.
      const steps = bounded(op.step) * (op.fits ? op.repeat : 1);
      const fits = transaction.advance(at, steps, floor, op.ceiling, op.ttlMs);
      return fits === op.fits ? base : REFUSED;
    }
    case "retreat":
      return transaction.retreat(at, bounded(op.step), bounded(op.floor));
    case "raise":
      return transaction.raise(at, bounded(op.to), op.ttlMs);
  }
}

/** As a store takes a number that is above what it can hold. */
function bounded(number: number): number {
  return Math.min(number, MAX_NUMBER);
}
