/**
 * The embedded store: the entities of this process, exact, bounded, and gone when they are of no
 * more use.
 *
 * A policy runs on an entity's true cells, so nothing has to be committed and no two calls can
 * conflict. `MemoryStore` puts the same entities behind the commit protocol. It needs no timer:
 * what has expired is dropped while others come.
 */

import { assertOptions } from "../ask.js";
import { Entity } from "../transaction/cells.js";
import { Transaction } from "../transaction/transaction.js";
import { full } from "./errors.js";
import { Candidates, type Forgotten, type ForgottenListener, LOOK, Tally } from "./forgetting.js";

/**
 * How many entities a new one makes the store look at for one that has expired. At two, what has
 * expired is at most about as much as what has not.
 */
const SWEEP = 2;

const OPTIONS: ReadonlySet<string> = new Set(["capacity", "whenFull", "onForgotten"]);

interface Slot {
  readonly entity: Entity;
  /** The time of the last run. No run on the entity is ever given an earlier one. */
  seenUs: number;
}

/** The settings of a {@link Memory}. */
export interface MemoryOptions {
  /** How many entities it holds at most; at least 1, a million unless set. */
  readonly capacity?: number | undefined;
  /**
   * What a newcomer meets when the store is full. `forget`, unless set: the entity whose forgetting
   * gives away the least is forgotten and starts afresh, so at most the permits that counted in it
   * can be admitted once more. `refuse`: a `StoreError` with the reason `full`; then nothing is
   * admitted too much.
   */
  readonly whenFull?: WhenFull | undefined;
  /**
   * Told when the store has forgotten entities because it was full, with all that it has forgotten
   * so far: at once, and then at most once a second. That it throws or rejects is logged once.
   */
  readonly onForgotten?: ForgottenListener | undefined;
}

/** What a newcomer meets when the store is full. */
export type WhenFull = "forget" | "refuse";

/**
 * The embedded store.
 *
 * It holds entities that are in use. An entity is dropped when all of it has expired. When the
 * store is full, a newcomer makes it forget the one whose forgetting gives away the least, or is
 * turned away: see {@link MemoryOptions.whenFull}.
 */
export class Memory {
  /** How many entities it holds at most. */
  readonly capacity: number;
  readonly #whenFull: WhenFull;
  readonly #candidates = new Candidates();
  readonly #tally: Tally;
  readonly #slots = new Map<string, Slot>();
  readonly #transaction = new Transaction();
  /** Where the sweep goes on. */
  #hand: IterableIterator<[string, Slot]>;
  /** No search of the full store before this time finds anything, or is worth its cost. */
  #fullUntilUs = 0;
  /** What a call on an unknown entity runs on. Most that change nothing leave it as it was. */
  #spare = new Entity();

  constructor(options: MemoryOptions = {}) {
    assertOptions(options, OPTIONS, "the memory store");
    const { capacity = 1_000_000, whenFull = "forget", onForgotten } = options;
    if (!Number.isSafeInteger(capacity) || capacity < 1) {
      throw new RangeError(`capacity is ${capacity}, must be a whole number from 1`);
    }
    if (whenFull !== "forget" && whenFull !== "refuse") {
      throw new RangeError(`whenFull is ${JSON.stringify(whenFull)}, must be "forget" or "refuse"`);
    }
    if (onForgotten !== undefined && typeof onForgotten !== "function") {
      throw new TypeError(`onForgotten is ${String(onForgotten)}, must be a function`);
    }
    this.capacity = capacity;
    this.#whenFull = whenFull;
    this.#tally = new Tally(onForgotten);
    this.#hand = this.#slots.entries();
  }

  /** How many entities it holds, with those that have expired but were not yet dropped. */
  get size(): number {
    return this.#slots.size;
  }

  /** What it has forgotten so far because it was full. */
  get forgotten(): Forgotten {
    return this.#tally.total;
  }

  /**
   * Runs on the true cells of the entity `tag`, at `nowUs` or the latest time the entity has seen.
   * The run must leave the transaction as it was if it fails.
   *
   * Takes a function and its first two arguments apart, so that a call on the memory store
   * allocates no closure.
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
    if (!this.#candidates.isEmpty) this.#candidates.offer(tag, entity.weight, entity.expiresUs);
    this.#slots.set(tag, { entity, seenUs: nowUs });
  }

  /** Drops an entity. @internal */
  drop(tag: string): void {
    this.#slots.delete(tag);
  }

  /**
   * Whether there is room for this many more entities, once those that have expired are dropped and
   * others are forgotten.
   *
   * @internal
   */
  makeRoom(count: number, nowUs: number, keep?: ReadonlySet<string>): boolean {
    this.#sweep(SWEEP * count, nowUs);
    if (this.#whenFull === "forget") {
      while (this.#slots.size + count > this.capacity && this.#forgetOne(nowUs, keep)) {}
    } else if (this.#slots.size + count > this.capacity && nowUs >= this.#fullUntilUs) {
      this.#sweepAll(nowUs);
    }
    return this.#slots.size + count <= this.capacity;
  }

  /**
   * Drops an entity that has expired, or else forgets the lightest that it knows of. Where all that
   * it knew have grown heavier, it knows none any more, and finds those of the next look. False:
   * there is none but those to keep.
   */
  #forgetOne(nowUs: number, keep: ReadonlySet<string> | undefined): boolean {
    let isAny = false;
    for (let looked = 0; looked < LOOK + (keep?.size ?? 0); looked++) {
      const next = this.#next();
      if (next === undefined) break;
      const [tag, { entity }] = next;
      if (keep?.has(tag)) continue;
      isAny = true;
      if (entity.isOver(nowUs)) return this.#slots.delete(tag);
      this.#candidates.offer(tag, entity.weight, entity.expiresUs);
    }
    for (let lightest = this.#candidates.take(); lightest !== undefined; lightest = this.#candidates.take()) {
      const { tag, weight } = lightest;
      const entity = keep?.has(tag) ? undefined : this.#slots.get(tag)?.entity;
      // One that has grown heavier since is no candidate any more.
      if (entity === undefined || entity.weight > weight) continue;
      this.#slots.delete(tag);
      this.#tally.add(weight, nowUs);
      break;
    }
    return isAny;
  }

  /** The next entity in turn. */
  #next(): [string, Slot] | undefined {
    let next = this.#hand.next();
    if (next.done) {
      this.#hand = this.#slots.entries();
      next = this.#hand.next();
    }
    return next.done ? undefined : next.value;
  }

  /** Looks at this many entities, in turn, and drops those that have expired. */
  #sweep(count: number, nowUs: number): void {
    for (let looked = 0; looked < count; looked++) {
      const next = this.#next();
      if (next === undefined) return;
      if (next[1].entity.isOver(nowUs)) this.#slots.delete(next[0]);
    }
  }

  #sweepAll(nowUs: number): void {
    let firstUs = Number.POSITIVE_INFINITY;
    for (const [tag, { entity }] of this.#slots) {
      const expiresUs = entity.expiresUs;
      if (expiresUs <= nowUs) this.#slots.delete(tag);
      else if (expiresUs < firstUs) firstUs = expiresUs;
    }
    // A search takes under a tenth of a microsecond an entity, so a store that stays full spends
    // little of its time on them.
    this.#fullUntilUs = Math.max(firstUs, nowUs + this.#slots.size);
  }
}
