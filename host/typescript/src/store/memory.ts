/**
 * The embedded store: the entities of this process, exact, bounded, and gone when they are of no more use.
 *
 * A policy runs on an entity's true cells, so nothing has to be committed and no two calls can conflict. `MemoryStore` puts the
 * same entities behind the commit protocol. It needs no timer: what has expired is dropped while others come.
 */

import { Entity } from "../transaction/cells.js";
import { Transaction } from "../transaction/transaction.js";
import { full } from "./errors.js";

/**
 * How many entities a new one makes the store look at for one that has expired. At two, what has expired is at most about as
 * much as what has not.
 */
const SWEEP = 2;

interface Slot {
  readonly entity: Entity;
  /** The time of the last run. No run on the entity is ever given an earlier one. */
  seenUs: number;
}

/** The settings of a {@link Memory}. */
export interface MemoryOptions {
  /** How many entities it holds at most; at least 1, a million unless set. */
  readonly capacity?: number;
}

/**
 * The embedded store.
 *
 * It holds entities that are in use. An entity is dropped when all of it has expired. When the store is full, calls on entities
 * that it does not hold end in a `StoreError` that says so: forgetting one that is in use would admit too much.
 */
export class Memory {
  /** How many entities it holds at most. */
  readonly capacity: number;
  readonly #slots = new Map<string, Slot>();
  readonly #transaction = new Transaction();
  /** Where the sweep goes on. */
  #hand: IterableIterator<[string, Slot]>;
  /** No search of the full store before this time finds anything, or is worth its cost. */
  #fullUntilUs = 0;
  /** What a call on an unknown entity runs on. Most that change nothing leave it as it was. */
  #spare = new Entity();

  constructor(options: MemoryOptions = {}) {
    const { capacity = 1_000_000 } = options;
    if (!Number.isSafeInteger(capacity) || capacity < 1) {
      throw new RangeError(`capacity is ${capacity}, must be a whole number from 1`);
    }
    this.capacity = capacity;
    this.#hand = this.#slots.entries();
  }

  /** How many entities it holds, with those that have expired but were not yet dropped. */
  get size(): number {
    return this.#slots.size;
  }

  /**
   * Runs on the true cells of the entity `tag`, at `nowUs` or the latest time the entity has seen. The run must leave the
   * transaction as it was if it fails.
   *
   * Takes a function and its first two arguments apart, so that a call on the memory store allocates no closure.
   *
   * @internal
   * @throws a StoreError where there is no room for the entity; then the run has changed nothing
   */
  run<P, Q, A>(
    tag: string,
    nowUs: number,
    run: (policy: P, request: Q, transaction: Transaction) => A,
    policy: P,
    request: Q,
  ): A {
    const slot = this.#slots.get(tag);
    if (slot === undefined) return this.#runNew(tag, nowUs, run, policy, request);
    if (slot.seenUs < nowUs) slot.seenUs = nowUs;
    this.#transaction.beginDirect(slot.seenUs, slot.entity);
    try {
      return run(policy, request, this.#transaction);
    } finally {
      if (slot.entity.isOver(slot.seenUs)) this.#slots.delete(tag);
    }
  }

  #runNew<P, Q, A>(
    tag: string,
    nowUs: number,
    run: (policy: P, request: Q, transaction: Transaction) => A,
    policy: P,
    request: Q,
  ): A {
    const entity = this.#spare;
    entity.clear();
    this.#transaction.beginDirect(nowUs, entity);
    const answer = run(policy, request, this.#transaction);
    if (!entity.isOver(nowUs)) {
      this.#spare = new Entity();
      if (!this.makeRoom(1, nowUs)) throw full(this.capacity);
      this.put(tag, entity, nowUs);
    }
    return answer;
  }

  /** The entity `tag`, where it holds it. @internal */
  find(tag: string): Entity | undefined {
    return this.#slots.get(tag)?.entity;
  }

  /** Puts an entity in, for which there must be room. @internal */
  put(tag: string, entity: Entity, nowUs: number): void {
    this.#slots.set(tag, { entity, seenUs: nowUs });
  }

  /** Drops an entity. @internal */
  drop(tag: string): void {
    this.#slots.delete(tag);
  }

  /** Whether there is room for so many more entities, once those that have expired are dropped. @internal */
  makeRoom(count: number, nowUs: number): boolean {
    this.#sweep(SWEEP * count, nowUs);
    if (this.#slots.size + count > this.capacity && nowUs >= this.#fullUntilUs) this.#sweepAll(nowUs);
    return this.#slots.size + count <= this.capacity;
  }

  /** Looks at so many entities, in turn, and drops those that have expired. */
  #sweep(count: number, nowUs: number): void {
    for (let looked = 0; looked < count && this.#slots.size > 0; looked++) {
      let next = this.#hand.next();
      if (next.done) {
        this.#hand = this.#slots.entries();
        next = this.#hand.next();
      }
      if (!next.done && next.value[1].entity.isOver(nowUs)) this.#slots.delete(next.value[0]);
    }
  }

  #sweepAll(nowUs: number): void {
    let firstUs = Number.POSITIVE_INFINITY;
    for (const [tag, { entity }] of this.#slots) {
      const expiresUs = entity.expiresUs;
      if (expiresUs <= nowUs) this.#slots.delete(tag);
      else if (expiresUs < firstUs) firstUs = expiresUs;
    }
    // A search takes under a tenth of a microsecond an entity, so a store that stays full spends little of its time on them.
    this.#fullUntilUs = Math.max(firstUs, nowUs + this.#slots.size);
  }
}
