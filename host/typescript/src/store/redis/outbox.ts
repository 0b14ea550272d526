/**
 * What is on its way to Redis: commits that come together go out together, as one call of the
 * script, and none is waited for longer than the time limit.
 *
 * A call of the script costs the server and the client several times what it does for one commit.
 * Nobody waits for others to come: while nothing is on its way, the commits of a tick go out at its
 * end; while something is, those go out together that are ready before this process reads or waits
 * again. What becomes of one does not depend on the others.
 */

import { OverloadedError } from "../../errors.js";
import { away } from "../errors.js";
import type { Commit, Reply } from "../store.js";
import type { Wire } from "./clients.js";
import { COMMIT_DIGEST, COMMIT_SCRIPT } from "./commit.generated.js";
import { isOfOne, isUnknownScript, storeError } from "./failure.js";
import { Logs } from "./log.js";
import { type Answered, Parcel } from "./parcel.js";
import { Pending } from "./pending.js";
import { Waiting } from "./waiting.js";

/**
 * How many commits may be without an answer, those included that nobody waits for any more. A
 * client keeps what it cannot send, so while a server is away this is what bounds it. A ledger
 * sends far fewer at once.
 */
const MAX_UNANSWERED = 10_000;

/** How many commits go out together at most: more are hardly cheaper each. */
const MAX_TOGETHER = 32;

/** So few are one call, though the server then has nothing to do while they are made. */
const FEW = 8;

/**
 * The longest log of a commit that goes out with others, in bytes: the server does nothing else
 * meanwhile.
 */
const MAX_LOG_BYTES = 1_024;

declare function setImmediate(callback: () => void): unknown;
declare function queueMicrotask(work: () => void): void;

/** Does the work when this process has seen to all that is ready by now. */
const atEndOfTurn: (work: () => void) => unknown = typeof setImmediate === "function" ? setImmediate : queueMicrotask;

/** Sends commits. */
export class Outbox {
  readonly #wire: Wire;
  readonly #waiting: Waiting;
  readonly #logs = new Logs();
  /**
   * Commits that wait, which will go out together, and the entities that they are about: the script
   * takes no key twice.
   */
  #line: Pending[] = [];
  readonly #entities = new Set<string>();
  /** How many commits have come together so far, and how many did before. */
  #together = 0;
  #lately = 0;
  /** What goes out with them, before them. */
  #leaving: Parcel[] = [];
  #isLeaving = false;
  /** Calls of the script that are on their way, and commits that wait or are on their way. */
  #onTheirWay = 0;
  #unanswered = 0;

  constructor(wire: Wire, timeoutMs: number) {
    this.#wire = wire;
    this.#waiting = new Waiting(timeoutMs);
  }

  get isCluster(): boolean {
    return this.#wire.isCluster;
  }

  /** Sends a commit to the cells of these keys, and reads the answer. Rejects with a StoreError. */
  send(commit: Commit, keys: readonly string[]): Promise<Reply> {
    if (this.#unanswered >= MAX_UNANSWERED) return Promise.reject(this.#isTooMuch());
    if (this.#isInLine(commit)) this.#closeLine();
    this.#logs.add(commit);
    this.#unanswered++;
    this.#together++;
    return new Promise((resolve, reject) => {
      const { from, to } = this.#logs;
      // The operations may be overwritten while the commit is on its way, should it take too long.
      const pending = new Pending(keys, commit.ops.slice(), from, to, resolve, reject);
      // In a cluster they would be for several nodes.
      if (this.isCluster || to - from > MAX_LOG_BYTES) this.#pack([pending], this.#logs.takeLatest());
      else this.#lineUp(pending, commit);
      this.#leaveSoon();
    });
  }

  /** Where most were given up the server is away; where they were not, it is asked for too much. */
  #isTooMuch(): Error {
    if (this.#waiting.givenUp * 2 < MAX_UNANSWERED) return new OverloadedError(this.#unanswered, MAX_UNANSWERED);
    return away(`${MAX_UNANSWERED} commits are without an answer`);
  }

  /** Whether a commit that waits is about one of the same entities. */
  #isInLine({ entities }: Commit): boolean {
    for (const { tag } of entities) if (this.#entities.has(tag)) return true;
    return false;
  }

  #lineUp(pending: Pending, { entities }: Commit): void {
    for (const { tag } of entities) this.#entities.add(tag);
    if (this.#line.push(pending) < this.#longest) return;
    this.#closeLine();
    this.#sendLeaving();
  }

  /**
   * How many may wait. While nothing is on its way that is half of as many as came together
   * before: so one half is at the server while this process makes the other. All together, either
   * of them would have nothing to do while the other has.
   */
  get #longest(): number {
    if (this.#onTheirWay > 0) return MAX_TOGETHER;
    return Math.min(Math.max(this.#lately / 2, FEW), MAX_TOGETHER);
  }

  /** Those that wait go out as one call. */
  #closeLine(): void {
    if (this.#line.length === 0) return;
    this.#pack(this.#line, this.#logs.take());
    this.#line = [];
    this.#entities.clear();
  }

  #pack(commits: readonly Pending[], log: Uint8Array): void {
    this.#leaving.push(new Parcel(commits, log, this.#answered));
  }

  #leaveSoon(): void {
    if (this.#isLeaving) return;
    this.#isLeaving = true;
    const leave = () => {
      this.#isLeaving = false;
      this.#lately = this.#together;
      this.#together = 0;
      this.#closeLine();
      this.#sendLeaving();
    };
    if (this.#onTheirWay > 0 && !this.isCluster) atEndOfTurn(leave);
    else queueMicrotask(leave);
  }

  #sendLeaving(): void {
    const parcels = this.#leaving;
    if (parcels.length === 0) return;
    this.#leaving = [];
    for (const { commits } of parcels) this.#waiting.add(commits);
    this.#send(parcels);
  }

  #send(parcels: readonly Parcel[]): void {
    this.#onTheirWay += parcels.length;
    this.#wire.send(parcels, COMMIT_DIGEST);
  }

  /** The server's answer to a call, or the client's. */
  readonly #answered: Answered = (parcel, error, result) => {
    if (error !== undefined && isUnknownScript(error) && !parcel.isTaught && parcel.isWanted) {
      parcel.isTaught = true;
      this.#wire.teach(parcel, COMMIT_SCRIPT);
      return;
    }
    this.#onTheirWay--;
    const { length } = parcel.commits;
    if (this.#waiting.givenUp > 0) this.#waiting.givenUp -= parcel.givenUp;
    if (error === undefined) parcel.read(result);
    else if (length > 1 && isOfOne(error)) return this.#sendApart(parcel);
    else parcel.fail(storeError(error));
    this.#unanswered -= length;
    this.#waiting.answered();
  };

  /** Sends each commit by itself: the server refused all because of one, before it ran anything. */
  #sendApart(parcel: Parcel): void {
    const apart = parcel.apart();
    this.#unanswered -= parcel.commits.length - apart.length;
    if (apart.length > 0) this.#send(apart);
  }
}
