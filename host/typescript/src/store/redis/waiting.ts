/**
 * How long commits wait for the server.
 *
 * One timer serves all, since all have the same limit and so come due in their order. It runs only
 * while something is waited for.
 *
 * Only time counts in which this process could have read an answer. A timer that fires late tells
 * how long the process was busy, so the limit is waited for in a few parts: what is late of each
 * does not count, and the server has most of its time left after a busy spell. And before a commit
 * is given up, the process reads what has arrived: timers come before reading.
 */

import type { Pending } from "./pending.js";

/** How many commits in front may be done before they are cut off. */
const MAX_DONE = 1_024;

/** In how many parts the limit is waited for. */
const PARTS = 4;

/** How late a timer of an idle process may be, in milliseconds. */
const SLACK_MS = 1;

/**
 * What has arrived is read when this many turns of the loop in a row have brought no answer; a turn
 * reads 2 MiB at most. And in how many turns it must be, if answers go on to come.
 */
const QUIET_TURNS = 3;
const MAX_TURNS = 256;

interface Timer {
  unref?(): void;
}

declare function setTimeout(callback: () => void, ms: number): Timer;
declare function setImmediate(callback: () => void): unknown;
declare const performance: { now(): number };

/** Commits that are waited for. */
export class Waiting {
  readonly #timeoutMs: number;
  /** The one that comes due first in front; and where that is. */
  #commits: (Pending | undefined)[] = [];
  #first = 0;
  #isTimed = false;
  /** How long this process was busy while the timer ran, in milliseconds. */
  #busyMs = 0;
  /** How many answers have come. */
  #answers = 0;
  /** How many commits were given up that have no answer yet. */
  givenUp = 0;

  /** @param timeoutMs how long each is waited for */
  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
  }

  /** Commits set out. */
  add(commits: readonly Pending[]): void {
    const dueMs = this.#nowMs() + this.#timeoutMs;
    for (const commit of commits) {
      commit.dueMs = dueMs;
      this.#commits.push(commit);
    }
    this.#watch();
  }

  /**
   * An answer has come. What is done in front is dropped at once, because what is kept for a while
   * costs the collector most.
   */
  answered(): void {
    this.#answers++;
    this.#forgetDone();
  }

  /** The time that counts, in milliseconds. */
  #nowMs(): number {
    return performance.now() - this.#busyMs;
  }

  #forgetDone(): void {
    while (isOver(this.#commits[this.#first])) this.#commits[this.#first++] = undefined;
    if (this.#first === this.#commits.length) {
      this.#commits.length = 0;
      this.#first = 0;
    } else if (this.#first > MAX_DONE && this.#first * 2 > this.#commits.length) {
      this.#commits = this.#commits.slice(this.#first);
      this.#first = 0;
    }
  }

  /** Sees to it that the first commit is looked at when it is due, and often enough before. */
  #watch(): void {
    const first = this.#commits[this.#first];
    if (this.#isTimed || first === undefined) return;
    this.#isTimed = true;
    const waitMs = Math.ceil(Math.min(Math.max(first.dueMs - this.#nowMs(), 0), this.#timeoutMs / PARTS));
    const atMs = performance.now() + waitMs;
    setTimeout(() => this.#look(atMs), waitMs).unref?.();
  }

  /** The timer that was due at `atMs` fires. */
  #look(atMs: number): void {
    this.#busyMs += Math.max(performance.now() - atMs - SLACK_MS, 0);
    const nowMs = this.#nowMs();
    const first = this.#commits[this.#first];
    if (first !== undefined && first.dueMs <= nowMs) {
      this.#readAll(nowMs, this.#answers, QUIET_TURNS, MAX_TURNS);
    } else {
      this.#isTimed = false;
      this.#watch();
    }
  }

  /** Gives up what is due at `nowMs` when all that has arrived is read. */
  #readAll(nowMs: number, answers: number, quiet: number, most: number): void {
    if (quiet === 0 || most === 0 || typeof setImmediate !== "function") {
      this.#expire(nowMs);
    } else {
      setImmediate(() => {
        const left = this.#answers === answers ? quiet - 1 : QUIET_TURNS;
        this.#readAll(nowMs, this.#answers, left, most - 1);
      });
    }
  }

  #expire(nowMs: number): void {
    this.#isTimed = false;
    for (let index = this.#first; index < this.#commits.length; index++) {
      const commit = this.#commits[index];
      if (commit === undefined) continue;
      if (commit.dueMs > nowMs) break;
      this.#giveUp(commit);
    }
    this.#forgetDone();
    this.#watch();
  }

  #giveUp(commit: Pending): void {
    if (commit.isDone || commit.isGivenUp) return;
    this.givenUp++;
    commit.giveUp(this.#timeoutMs);
  }
}

/** Whether a commit is not waited for any more. */
function isOver(commit: Pending | undefined): boolean {
  return commit !== undefined && (commit.isDone || commit.isGivenUp);
}
