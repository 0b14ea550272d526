/** What is known of an entity. */

import type { AnyPolicy, AnyRequest } from "../strategy.js";
import { Entity } from "../transaction/cells.js";
import type { Transaction } from "../transaction/transaction.js";
import { Contention } from "./contention.js";

/**
 * The most that two nodes of a cluster are taken to be apart, in microseconds. More is a clock that
 * jumped.
 */
const MAX_BEHIND_US = 100_000;
/** Of what is known of a node's clock, one part in this many is forgotten with each commit. */
const BEHIND_KEEP = 1_024;
/**
 * How much further behind than seen an entity's clock is taken to be, in microseconds, so that the
 * forgetting takes a while to come too far.
 */
const BEHIND_SLACK_US = 1_000;

/** A refusal, and of what. */
interface Refusal {
  readonly policy: AnyPolicy;
  readonly request: AnyRequest;
  readonly answer: unknown;
  /** When, on the store's clock as this host takes it to be. */
  readonly atUs: number;
}

/** What is known of an entity. */
export class Known {
  entity = new Entity();
  /** The latest time of a commit; no later one may be earlier. */
  seenUs = 0;
  /**
   * How far the clock that decides on this entity is behind the one this host has learnt: nodes of
   * a cluster have clocks of their own.
   */
  behindUs = 0;
  /** Whether the latest call was refused, so that the next may well be too. */
  refuses = false;
  /** What was last refused on what is known now. */
  lastRefusal: Refusal | undefined;
  /** How other hosts get in its way. */
  readonly contention = new Contention();

  /**
   * Whether this host may hold a lease: nothing else is in local cells, and no run has missed it
   * since they were changed.
   */
  mayHold = false;
  /**
   * Whether a commit is on its way whose runs have changed local cells. If nobody knows what
   * becomes of it, they mean nothing.
   */
  isInDoubt = false;

  /** Whether a call may be answered from what is known. */
  get mayAnswer(): boolean {
    return this.refuses || this.mayHold;
  }

  /** The time to run at when the store's clock is taken to say `storeUs`. */
  timeAt(storeUs: number): number {
    return Math.max(storeUs - this.behindUs, this.seenUs);
  }

  /** Takes over what the runs of a transaction have come to at `nowUs`. */
  take(transaction: Transaction, nowUs: number): void {
    this.entity = transaction.exchange(this.entity);
    this.entity.shared.prune(nowUs);
    this.entity.local.prune(nowUs);
    this.mayHold = !this.entity.local.isEmpty;
  }

  /** Forgets what may be otherwise, because nobody knows what has become of a commit. */
  forget(): void {
    this.entity.shared.clear();
    this.refuses = false;
    if (!this.isInDoubt) return;
    this.isInDoubt = false;
    this.entity.local.clear();
    this.mayHold = false;
  }

  /**
   * A commit was in time. What was learnt of the entity's clock is unlearnt slowly, since clocks
   * come together again.
   */
  timed(atUs: number): void {
    this.seenUs = atUs;
    this.behindUs -= Math.ceil(this.behindUs / BEHIND_KEEP);
  }

  /** A commit was ahead of the entity's clock, or far behind it. */
  mistimed(atUs: number, clockUs: number): void {
    const aheadUs = atUs - clockUs;
    this.seenUs = Math.min(this.seenUs, clockUs);
    const isApart = aheadUs >= 1 && aheadUs <= MAX_BEHIND_US;
    this.behindUs = isApart ? Math.min(this.behindUs + aheadUs + BEHIND_SLACK_US, MAX_BEHIND_US) : 0;
  }
}
