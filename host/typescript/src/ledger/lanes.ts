/**
 * Lanes: where calls on one entity wait, and what is known of the entity.
 *
 * One batch at a time is taken out of a lane. So calls of this host that meet on an entity never
 * conflict with each other; they go out together.
 */

import type { EntityKey } from "../key.js";
import { type Signal, whenAborted } from "../signal.js";
import type { AnyPolicy, AnyRequest } from "../strategy.js";
import { Known } from "./known.js";

/** How many idle lanes are looked at to make room for a new one. */
const SWEEP = 8;

/** A call that waits. */
export class Call {
  /** The answer of its latest run; undefined: it failed with `error`, or has not run. */
  answer: unknown;
  error: unknown;
  /** Whether its caller has gone away. */
  isGone = false;
  /** Whether it waits for its turn. */
  isInLine = false;
  /** Ends the watch over its caller's signal. */
  unwatch: (() => void) | undefined;

  constructor(
    readonly lane: Lane,
    /** Whom to ask; undefined: nobody, but tell when all that waited before is done. */
    readonly policy: AnyPolicy | undefined,
    readonly request: AnyRequest,
    /** Tells who waits for the answer; undefined: nobody does. */
    readonly resolve: ((answer: unknown) => void) | undefined,
    readonly reject: ((error: unknown) => void) | undefined,
  ) {}

  /** Ends with an error. */
  fail(error: unknown): void {
    this.answer = undefined;
    this.error = error;
  }

  /** Goes away when its caller's signal is aborted, and tells the caller why. */
  watch(signal: Signal): void {
    this.unwatch = whenAborted(signal, () => {
      this.isGone = true;
      this.lane.left(this);
      this.reject?.(signal.reason);
    });
  }
}

/** How many calls wait, in all lanes of a ledger. */
export interface Tally {
  calls: number;
}

/** Where calls on one entity wait. */
export class Lane {
  readonly entities: readonly [EntityKey];
  readonly known = new Known();
  readonly #waiting: Call[] = [];
  /**
   * How many of those that wait have gone away. Who leaves is left out when it would have its turn:
   * to look for it takes long.
   */
  #gone = 0;
  readonly #tally: Tally;
  /** Outcomes whose callers have gone on already. They go out with the next batch. */
  readonly deferred: Call[] = [];
  /**
   * Whether nothing is deferred but an outcome that changes nothing by what is known. It need not
   * go with every admission: it waits for the flush, or for an outcome that comes after it.
   */
  canWait = false;
  /** Whether somebody will take the next batch. */
  isDriven = false;
  /** Whether a batch is on its way. What local cells hold is its until it is back. */
  isOnItsWay = false;
  /** Whether it was used since the sweep last came by. */
  isUsed = true;

  constructor(
    entity: EntityKey,
    /** Which part of the store the entity is in. */
    readonly shard: number,
    tally: Tally = { calls: 0 },
  ) {
    this.entities = [entity];
    this.#tally = tally;
  }

  get entity(): EntityKey {
    return this.entities[0];
  }

  /** Whether nothing is to go out now. */
  get isEmpty(): boolean {
    return this.#waiting.length === 0 && (this.deferred.length === 0 || this.canWait);
  }

  /** Whether nothing is to go out at all. */
  get isSettled(): boolean {
    return this.isEmpty && !this.canWait;
  }

  /** A call joins the lane. */
  push(call: Call): void {
    this.#waiting.push(call);
    call.isInLine = true;
    this.#tally.calls++;
  }

  /**
   * The next batch: of each kind, up to this many calls.
   *
   * The list itself stays. It is as old as the lane, and what an old array had when it was dropped
   * counts as alive until the collector comes to the old ones: each call would be kept for that
   * long.
   */
  take(most: number): Call[] {
    let batch: Call[];
    if (this.#waiting.length <= most) {
      batch = this.#waiting.slice();
      this.#waiting.length = 0;
    } else {
      batch = this.#waiting.splice(0, most);
    }
    for (const call of batch) call.isInLine = false;
    this.#tally.calls -= batch.length;
    if (this.#gone > 0) batch = this.#withoutGone(batch);
    this.canWait &&= batch.every(call => call.policy?.strategy.goesAhead(call.request));
    return this.deferred.length === 0 || this.canWait ? batch : [...this.deferred.splice(0, most), ...batch];
  }

  /** All that wait. */
  takeAll(): Call[] {
    return this.take(Number.POSITIVE_INFINITY);
  }

  /** A call has gone away. One that is on its way already waits no more. */
  left(call: Call): void {
    if (!call.isInLine) return;
    this.#gone++;
    this.#tally.calls--;
  }

  #withoutGone(batch: Call[]): Call[] {
    const here = batch.filter(call => !call.isGone);
    const gone = batch.length - here.length;
    this.#gone -= gone;
    this.#tally.calls += gone;
    return here;
  }
}

/** All lanes of a ledger. Those that were not used for long are forgotten first. */
export class Lanes {
  readonly #lanes = new Map<string, Lane>();
  readonly #capacity: number;
  readonly #shardOf: (entity: EntityKey) => number;
  readonly #nowUs: () => number;
  readonly #tally: Tally = { calls: 0 };
  /** Where the sweep goes on. */
  #hand: IterableIterator<[string, Lane]> = this.#lanes.entries();

  constructor(capacity: number, shardOf: (entity: EntityKey) => number, nowUs: () => number) {
    this.#capacity = capacity;
    this.#shardOf = shardOf;
    this.#nowUs = nowUs;
  }

  get size(): number {
    return this.#lanes.size;
  }

  /** How many calls wait. */
  get waiting(): number {
    return this.#tally.calls;
  }

  /** The lane of an entity, if it has one. */
  find(entity: EntityKey): Lane | undefined {
    return this.#lanes.get(entity.tag);
  }

  /** The lane of an entity. */
  of(entity: EntityKey): Lane {
    const found = this.#lanes.get(entity.tag);
    if (found !== undefined) {
      found.isUsed = true;
      return found;
    }
    if (this.#lanes.size >= this.#capacity) this.#makeRoom();
    const lane = new Lane(entity, this.#shardOf(entity), this.#tally);
    this.#lanes.set(entity.tag, lane);
    return lane;
  }

  /** The lanes in which something is not settled yet. */
  unsettled(): Lane[] {
    return [...this.#lanes.values()].filter(lane => lane.isDriven || !lane.isSettled);
  }

  /**
   * Forgets a few lanes that nobody is in and that were not used for a round. What only this
   * process knows is not forgotten: it cannot be read again before it has expired.
   */
  #makeRoom(): void {
    const nowUs = this.#nowUs();
    for (let looked = 0; looked < SWEEP && this.#lanes.size >= this.#capacity; looked++) {
      let next = this.#hand.next();
      if (next.done) {
        this.#hand = this.#lanes.entries();
        next = this.#hand.next();
      }
      if (next.done) return;
      const [tag, lane] = next.value;
      const isIdle = lane.isSettled && !lane.isDriven && lane.known.entity.local.expiresUs <= nowUs;
      // The last look forgets even what was used of late: the number of lanes is bounded.
      if (isIdle && (!lane.isUsed || looked === SWEEP - 1)) this.#lanes.delete(tag);
      else lane.isUsed = false;
    }
  }
}
