/**
 * What this host let go while the store could not be asked, and has not charged yet.
 *
 * A debt is posted before the next call on its key, in the same commit, or in the background when
 * the store is back. Posting fills the limits up as far as there is room: until what was posted
 * leaves again nobody is let go, which is later than the calls that it stands for. A permit that
 * would have left every window by then is not charged any more, so that a long outage does not end
 * in a limiter that denies everything for calls of an hour ago.
 */

import type { EntityKey } from "../key.js";
import type { AnyPolicy, AnyRequest, Owed } from "../strategy.js";

/** The greatest cost of a call. */
const MAX_COST = 0xffff_ffff;

/** How many debts are looked at to make room for a new one. */
const SWEEP = 8;

/** What is owed on one entity. */
export interface Debt {
  readonly entity: EntityKey;
  /** By what it is charged. */
  readonly policy: AnyPolicy;
  readonly owed: Owed<AnyRequest>;
}

/** What one entity owes, counted in two spans of time, each as long as a permit can count. */
class Entry {
  /** Since `sinceUs`. */
  recent = 0;
  /** In the span before. */
  before = 0;

  constructor(
    readonly entity: EntityKey,
    public policy: AnyPolicy,
    /** What was let go last. */
    public owed: Owed<AnyRequest>,
    public sinceUs: number,
  ) {}

  /** Moves on to the span of `nowUs`. */
  turn(nowUs: number): void {
    const spanUs = this.owed.countsForUs;
    const ageUs = nowUs - this.sinceUs;
    if (ageUs < spanUs) return;
    this.before = ageUs < 2 * spanUs ? this.recent : 0;
    this.recent = 0;
    this.sinceUs = nowUs;
  }

  /** What still counts. */
  due(nowUs: number): number {
    this.turn(nowUs);
    return Math.min(this.recent + this.before, MAX_COST);
  }
}

/** The debts of a host, by entity. Bounded: beyond that, newcomers are not noted. */
export class Debts {
  readonly #owed = new Map<string, Entry>();
  readonly #capacity: number;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get size(): number {
    return this.#owed.size;
  }

  /** Notes what was let go at `nowUs`. False: there is no room. */
  add({ entity, policy, owed }: Debt, nowUs: number): boolean {
    let entry = this.#owed.get(entity.tag);
    if (entry === undefined) {
      if (this.#owed.size >= this.#capacity) this.#sweep(nowUs);
      if (this.#owed.size >= this.#capacity) return false;
      entry = new Entry(entity, policy, owed, nowUs);
      this.#owed.set(entity.tag, entry);
    }
    entry.turn(nowUs);
    entry.policy = policy;
    entry.owed = owed;
    entry.recent = Math.min(entry.recent + owed.cost, MAX_COST);
    return true;
  }

  /** Forgets what was given back before it was charged. */
  forgive(entity: EntityKey, cost: number): void {
    const entry = this.#owed.get(entity.tag);
    if (entry === undefined) return;
    const older = Math.max(cost - entry.recent, 0);
    entry.recent = Math.max(entry.recent - cost, 0);
    entry.before = Math.max(entry.before - older, 0);
    if (entry.recent + entry.before === 0) this.#owed.delete(entity.tag);
  }

  /** Takes out what is owed on an entity at `nowUs`, to post it. */
  take(entity: EntityKey, nowUs: number): Debt | undefined {
    const entry = this.#owed.get(entity.tag);
    if (entry === undefined) return undefined;
    this.#owed.delete(entity.tag);
    const cost = entry.due(nowUs);
    return cost > 0 ? { entity: entry.entity, policy: entry.policy, owed: { ...entry.owed, cost } } : undefined;
  }

  /** The entities on which something is owed. */
  entities(): EntityKey[] {
    return Array.from(this.#owed.values(), ({ entity }) => entity);
  }

  /** Looks at a few debts, in turn, and drops those of which nothing counts any more. */
  #sweep(nowUs: number): void {
    let looked = 0;
    for (const [tag, entry] of this.#owed) {
      if (++looked > SWEEP) return;
      this.#owed.delete(tag);
      if (entry.due(nowUs) > 0) this.#owed.set(tag, entry);
    }
  }
}
