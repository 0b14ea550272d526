/** Finding out that a connection is of no use any more, for a client that does not. */

import { MAX_SILENCE_MS } from "./open.js";

declare function setTimeout(callback: () => void, ms: number): { unref?(): void };
declare function setImmediate(callback: () => void): unknown;
declare const performance: { now(): number };

/** Watches one connection. */
export class Silence {
  #waiting = 0;
  #sinceMs = 0;
  #isTimed = false;
  #isOver = false;

  /**
   * @param giveUp called once, when nothing was heard while something was waited for that long, or
   * when it is a replica that answers
   */
  constructor(private readonly giveUp: () => void) {}

  /** This many calls set out. */
  sent(calls: number): void {
    if (this.#waiting === 0) this.#sinceMs = performance.now();
    this.#waiting += calls;
    this.#watch();
  }

  /** One of them was answered, or will not be. */
  heard(error: unknown): void {
    this.#waiting--;
    this.#sinceMs = performance.now();
    // A failover behind one name: the name is of another server by now.
    if (error instanceof Error && error.message.includes("READONLY")) this.#end();
  }

  get #isSilent(): boolean {
    return this.#waiting > 0 && performance.now() - this.#sinceMs >= MAX_SILENCE_MS;
  }

  #watch(): void {
    if (this.#isTimed || this.#isOver || this.#waiting === 0) return;
    this.#isTimed = true;
    const leftMs = this.#sinceMs + MAX_SILENCE_MS - performance.now();
    setTimeout(() => this.#look(), Math.max(Math.ceil(leftMs), 1)).unref?.();
  }

  /** Timers come before reading: a process that was busy has not read what has arrived. */
  #look(): void {
    setImmediate(() => setImmediate(() => (this.#isSilent ? this.#end() : this.#goOn())));
  }

  #goOn(): void {
    this.#isTimed = false;
    this.#watch();
  }

  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.giveUp();
  }
}
