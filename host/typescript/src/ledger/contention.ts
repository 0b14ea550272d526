/**
 * How long hosts that conflict on an entity wait, so that each gets its turn.
 *
 * Hosts that count do not conflict. Hosts that replace a value do, as callers of a crowded queue: of those that commit at the same
 * time one wins. So each waits a random part of its *spread* before every commit on the entity. A conflict doubles the spread, a
 * commit that is applied halves it. A winner does not start from nothing, since it would be first again and again while the others
 * wait longer and longer (the capture effect of networks: Bharghavan et al., MACAW, 1994); hosts that meet on an entity come to
 * spreads that are alike, in which about every second attempt gets through.
 */

/** The least that an attempt is taken to last, in microseconds: the spread after the first conflict that matters. */
const LEAST_US = 100;
/** The widest spread, in microseconds. */
const WIDEST_US = 50_000;
/** How many conflicts in a row are nothing unusual: a value that changes once in a while has changed. */
const USUAL = 1;

/** What this host has seen of the conflicts on an entity. */
export class Contention {
  #spreadUs = 0;
  #inARow = 0;

  /** A commit was refused after so many microseconds. */
  lost(tripUs: number): void {
    this.#inARow++;
    if (this.#inARow <= USUAL && this.#spreadUs === 0) return;
    const leastUs = Math.min(Math.max(tripUs, LEAST_US), WIDEST_US);
    this.#spreadUs = Math.min(Math.max(this.#spreadUs * 2, leastUs), WIDEST_US);
  }

  /** A commit was applied. */
  won(): void {
    this.#inARow = 0;
    this.#spreadUs = this.#spreadUs < 2 * LEAST_US ? 0 : Math.floor(this.#spreadUs / 2);
  }

  /** Whether there is any. */
  get isFelt(): boolean {
    return this.#spreadUs > 0;
  }

  /** How long to wait before a commit, in microseconds, by a number from 0 to below 1 that is hardly alike in any two hosts. */
  waitUs(chance: number): number {
    return Math.floor(chance * this.#spreadUs);
  }
}

/** Leaves other hosts their turn. */
export type GiveWay = (contention: Contention) => Promise<void>;

declare function setTimeout(callback: () => void, ms: number): unknown;

/** In real time, whatever the clock: one that is moved by hand would leave a contended call waiting for ever. */
export const giveWay: GiveWay = contention => {
  const waitMs = wholeMs(contention.waitUs(Math.random()), Math.random());
  return waitMs === 0 ? Promise.resolve() : new Promise(resolve => setTimeout(resolve, waitMs));
};

/**
 * Timers count milliseconds. What is less is rounded up or down by a number from 0 to below 1: always up, hosts would stay in step,
 * and wait longer than those of other languages.
 */
export function wholeMs(us: number, chance: number): number {
  return Math.floor(us / 1_000 + chance);
}
