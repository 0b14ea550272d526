/**
 * How long hosts that conflict on an entity wait, so that each gets its turn.
 *
 * Hosts that count do not conflict. Hosts that replace a value do, as callers of a crowded queue:
 * of those that commit at the same time one wins. So each waits a random part of its *spread*
 * before every commit on the entity. A conflict doubles the spread, a commit that is applied halves
 * it. A winner does not start from nothing, since it would be first again and again while the
 * others wait longer and longer (the capture effect of networks: Bharghavan et al., MACAW, 1994);
 * hosts that meet on an entity come to spreads that are alike, in which about every second attempt
 * gets through.
 *
 * Where a trip to the store is long, one host could be first for ever all the same: it is told that
 * it won, and wins again before any of the others, who were told at the same time that they lost,
 * has waited for its part. So there, whoever has met a conflict of late leaves the others a part of
 * a trip before each commit, whether it won or lost.
 *
 * Only a replaced value is a conflict. Whoever met another number than it knew, such as that of an
 * empty bucket of which it thought that a permit had come back, knows better now and tries again at
 * once: after a wait its number would be old again, so it would be refused again, while the others
 * take what comes back.
 */

import type { Commit, Outcome } from "../store/store.js";

/**
 * The least that an attempt is taken to last, in microseconds: the spread after the first conflict
 * that matters.
 */
const MIN_US = 100;
/** The widest spread, in microseconds. */
const WIDEST_US = 50_000;
/**
 * A spread takes no more than one part in this many of the time that a call may wait for the store.
 */
const PARTS = 4;
/**
 * Nobody conflicts with a host that does nothing: each time that it has done nothing for so long
 * halves its spread.
 */
const FADES_US = 100_000;
/** From this many microseconds on a trip is long. */
const LONG_US = 2_000;
/** For this many microseconds after a conflict others are taken to be there. */
const REMEMBERED_US = 1_000_000;
/**
 * How many conflicts in a row are nothing unusual: a value that changes once in a while has
 * changed.
 */
const USUAL = 1;

/**
 * Whether a commit was refused because another host has replaced a value that its runs had read.
 */
export function isConflict({ ops }: Commit, outcome: Outcome): boolean {
  if (outcome.kind !== "refused") return false;
  const changed = new Set<number>();
  return ops.some(op => {
    // What is read after the log has changed it says nothing of what was there.
    if (op.kind === "get") return !changed.has(op.cell) && outcome.values[op.cell] !== op.expected;
    if (op.kind !== "observe") changed.add(op.cell);
    return false;
  });
}

/** The widest spread, in microseconds, where a call may wait this long for the store. */
export function widestUs(timeoutMs: number | undefined): number {
  const partUs = timeoutMs === undefined ? WIDEST_US : Math.floor((timeoutMs * 1_000) / PARTS);
  return Math.min(Math.max(partUs, MIN_US), WIDEST_US);
}

/** What this host has seen of the conflicts on an entity. */
export class Contention {
  #spreadUs = 0;
  #inARow = 0;
  /** When it last committed. */
  #seenUs = 0;

  /** When it last met a conflict. */
  #metUs = 0;
  /** How much it leaves to the others since then, if its trips are long; else 0. */
  #leftUs = 0;

  /**
   * Another host had replaced a value that a commit depended on, now and after this many
   * microseconds. `isDone`: its calls have their answers all the same.
   */
  met(nowUs: number, tripUs: number, widestUs: number, isDone: boolean): void {
    this.#metUs = nowUs;
    this.#leftUs = tripUs < LONG_US ? 0 : Math.min(tripUs, widestUs);
    if (!isDone) this.#lost(nowUs, tripUs, widestUs);
  }

  #lost(nowUs: number, tripUs: number, widestUs: number): void {
    this.#inARow++;
    const spreadUs = this.#spreadAt(nowUs);
    this.#seenUs = nowUs;
    if (this.#inARow <= USUAL && spreadUs === 0) return;
    const leastUs = Math.min(Math.max(tripUs, MIN_US), widestUs);
    this.#spreadUs = Math.min(Math.max(spreadUs * 2, leastUs), widestUs);
  }

  /** A commit was applied. The clock is asked only where that matters. */
  won(nowUs: () => number): void {
    this.#inARow = 0;
    if (!this.isFelt) return;
    const atUs = nowUs();
    const spreadUs = this.#spreadAt(atUs);
    this.#spreadUs = spreadUs < 2 * MIN_US ? 0 : Math.floor(spreadUs / 2);
    this.#leftUs = this.#leftAt(atUs);
    this.#seenUs = atUs;
  }

  /** Whether there was any of late. */
  get isFelt(): boolean {
    return this.#spreadUs > 0 || this.#leftUs > 0;
  }

  /**
   * How long to wait before a commit, in microseconds, by a number from 0 to below 1 that is hardly
   * alike in any two hosts.
   */
  waitUs(nowUs: number, chance: number): number {
    return Math.floor(chance * Math.max(this.#spreadAt(nowUs), this.#leftAt(nowUs)));
  }

  // A clock that was set back does not tell how long ago anything was: nothing is remembered until
  // it has caught up.
  #leftAt(nowUs: number): number {
    return Math.abs(nowUs - this.#metUs) < REMEMBERED_US ? this.#leftUs : 0;
  }

  #spreadAt(nowUs: number): number {
    const halvings = Math.floor(Math.abs(nowUs - this.#seenUs) / FADES_US);
    return Math.floor(this.#spreadUs / 2 ** halvings);
  }
}

/** Leaves other hosts their turn. */
export type GiveWay = (contention: Contention, nowUs: number) => Promise<void>;

declare function setTimeout(callback: () => void, ms: number): unknown;

/**
 * In real time, whatever the clock: one that is moved by hand would leave a contended call waiting
 * for ever.
 */
export const giveWay: GiveWay = (contention, nowUs) => {
  const waitMs = wholeMs(contention.waitUs(nowUs, Math.random()), Math.random());
  return waitMs === 0 ? Promise.resolve() : new Promise(resolve => setTimeout(resolve, waitMs));
};

/**
 * Timers count milliseconds. What is less is rounded up or down by a number from 0 to below 1:
 * always up, hosts would stay in step, and wait longer than those of other languages.
 */
export function wholeMs(us: number, chance: number): number {
  return Math.floor(us / 1_000 + chance);
}
