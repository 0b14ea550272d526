/**
 * What is on its way to Redis: calls of one tick go out together, and none is waited for longer than the time limit.
 *
 * One timer serves all calls, since all have the same limit and so come due in their order. It runs only while something is
 * on its way.
 */

import { away, timedOut } from "../errors.js";
import type { Op, Reply } from "../store.js";
import type { ScriptCall, Wire } from "./clients.js";
import { COMMIT_DIGEST, COMMIT_SCRIPT } from "./commit.generated.js";
import { isUnknownScript, storeError } from "./failure.js";
import { decodeReply } from "./reply.js";

/**
 * How many calls may be without an answer, those included that nobody waits for any more. A client keeps what it cannot send, so
 * while a server is away this is what bounds it.
 */
const MAX_UNANSWERED = 10_000;

interface Timer {
  unref?(): void;
}

declare function setTimeout(callback: () => void, ms: number): Timer;
declare function setImmediate(callback: () => void): unknown;
declare function queueMicrotask(work: () => void): void;
declare const performance: { now(): number };

/** Sends script calls. */
export class Outbox {
  readonly #wire: Wire;
  readonly #limitMs: number;
  /** Calls of this tick. */
  #leaving: Pending[] = [];
  /** Calls that are waited for, the one that comes due first in front; and where that is. */
  #waiting: (Pending | undefined)[] = [];
  #first = 0;
  #unanswered = 0;
  #isTimed = false;

  constructor(wire: Wire, limitMs: number) {
    this.#wire = wire;
    this.#limitMs = limitMs;
  }

  get isCluster(): boolean {
    return this.#wire.isCluster;
  }

  /** Calls the script at the end of this tick, and reads its answer. Rejects with a StoreError. */
  send(keys: readonly string[], log: Uint8Array, ops: readonly Op[]): Promise<Reply> {
    if (this.#unanswered >= MAX_UNANSWERED) {
      return Promise.reject(away(`${MAX_UNANSWERED} commits are without an answer`));
    }
    this.#unanswered++;
    return new Promise((resolve, reject) => {
      const call = new Pending(keys, log, ops, resolve, reject, this);
      if (this.#leaving.push(call) === 1) queueMicrotask(() => this.#flush());
    });
  }

  #flush(): void {
    const calls = this.#leaving;
    this.#leaving = [];
    const dueMs = performance.now() + this.#limitMs;
    for (const call of calls) call.dueMs = dueMs;
    this.#waiting.push(...calls);
    this.#watch();
    this.#wire.send(calls, COMMIT_DIGEST);
  }

  /** The server's answer to a call, or the client's. */
  answered(call: Pending, error: unknown, result: unknown): void {
    if (error !== undefined && !call.isDone && !call.isTaught && isUnknownScript(error)) {
      call.isTaught = true;
      this.#wire.teach(call, COMMIT_SCRIPT);
      return;
    }
    this.#unanswered--;
    if (call.isDone) return;
    call.isDone = true;
    if (error === undefined) call.read(result);
    else call.reject(storeError(error));
    this.#forgetDone();
  }

  /** Drops the calls in front that are done. At once, because what is kept for a while costs the collector most. */
  #forgetDone(): void {
    while (this.#waiting[this.#first]?.isDone) this.#waiting[this.#first++] = undefined;
    if (this.#first === this.#waiting.length) {
      this.#waiting.length = 0;
      this.#first = 0;
    } else if (this.#first > 1_024 && this.#first * 2 > this.#waiting.length) {
      this.#waiting = this.#waiting.slice(this.#first);
      this.#first = 0;
    }
  }

  /** Sees to it that the first call is looked at when it is due. */
  #watch(): void {
    const first = this.#waiting[this.#first];
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
    for (let index = this.#first; index < this.#waiting.length; index++) {
      const call = this.#waiting[index];
      if (call === undefined) continue;
      if (call.dueMs > nowMs) break;
      if (call.isDone) continue;
      call.isDone = true;
      call.reject(timedOut(this.#limitMs));
    }
    this.#forgetDone();
    this.#watch();
  }
}

/** A call on its way. */
class Pending implements ScriptCall {
  dueMs = 0;
  /** Whether its caller has been answered. */
  isDone = false;
  /** Whether it was sent with the script itself. */
  isTaught = false;

  constructor(
    readonly keys: readonly string[],
    readonly log: Uint8Array,
    readonly ops: readonly Op[],
    readonly resolve: (reply: Reply) => void,
    readonly reject: (error: Error) => void,
    readonly outbox: Outbox,
  ) {}

  read(result: unknown): void {
    try {
      this.resolve(decodeReply(result, this.ops, this.keys.length));
    } catch (error) {
      this.reject(error as Error);
    }
  }

  settle(error: unknown, result: unknown): void {
    this.outbox.answered(this, error, result);
  }
}
