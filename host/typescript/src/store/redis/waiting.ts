/**
 * How long commits wait for the server.
 *
 * One timer serves all, since all have the same limit and so come due in their order. It runs only while something is waited for.
 */

import { timedOut } from "../errors.js";
import type { Pending } from "./pending.js";

/** How many commits in front may be done before they are cut off. */
const MAX_DONE = 1_024;

interface Timer {
  unref?(): void;
}

declare function setTimeout(callback: () => void, ms: number): Timer;
declare function setImmediate(callback: () => void): unknown;
declare const performance: { now(): number };

/** Commits that are waited for. */
export class Waiting {
  readonly #limitMs: number;
  /** The one that comes due first in front; and where that is. */
  #commits: (Pending | undefined)[] = [];
  #first = 0;
  #isTimed = false;

  /** @param limitMs how long each is waited for */
  constructor(limitMs: number) {
    this.#limitMs = limitMs;
  }

  /** Commits set out. */
  add(commits: readonly Pending[]): void {
    const dueMs = performance.now() + this.#limitMs;
    for (const commit of commits) {
      commit.dueMs = dueMs;
      this.#commits.push(commit);
    }
    this.#watch();
  }

  /** Drops the commits in front that are done. At once, because what is kept for a while costs the collector most. */
  forgetDone(): void {
    while (this.#commits[this.#first]?.isDone) this.#commits[this.#first++] = undefined;
    if (this.#first === this.#commits.length) {
      this.#commits.length = 0;
      this.#first = 0;
    } else if (this.#first > MAX_DONE && this.#first * 2 > this.#commits.length) {
      this.#commits = this.#commits.slice(this.#first);
      this.#first = 0;
    }
  }

  /** Sees to it that the first commit is looked at when it is due. */
  #watch(): void {
    const first = this.#commits[this.#first];
    if (this.#isTimed || first === undefined) return;
    this.#isTimed = true;
    const timer = setTimeout(() => this.#due(), Math.max(Math.ceil(first.dueMs - performance.now()), 0));
    timer.unref?.();
  }

  #due(): void {
    // Where this process was busy, the answer may be here already and unread: timers come before reading.
    if (typeof setImmediate === "function") setImmediate(() => this.#expire());
    else this.#expire();
  }

  #expire(): void {
    this.#isTimed = false;
    const nowMs = performance.now();
    for (let index = this.#first; index < this.#commits.length; index++) {
      const commit = this.#commits[index];
      if (commit === undefined) continue;
      if (commit.dueMs > nowMs) break;
      commit.fail(timedOut(this.#limitMs));
    }
    this.forgetDone();
    this.#watch();
  }
}
