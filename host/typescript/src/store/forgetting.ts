/**
 * What a full memory store forgets: the entity whose forgetting gives away the least.
 *
 * That is the one with the least weight, as its strategy says: of a limiter the permits that
 * counted in it at its last call, of a closed circuit the failures. A circuit that is not closed
 * comes last. Of equal weights the one that expires first goes.
 *
 * To look at all for each newcomer would cost too much. So a newcomer makes the store look at a few
 * others, in turn, and the lightest of all that were seen are remembered, as Redis does with what
 * it evicts. Newcomers are looked at as well: once one of them is lighter than the others,
 * newcomers replace each other, and whoever makes up keys displaces nobody who counts more.
 */

import { HEAVIEST } from "../strategy.js";
import { tell } from "../tell.js";

/** How many others a newcomer makes a full store look at. */
export const LOOK = 16;
/** How many of the lightest are remembered. */
const REMEMBERED = 16;
/** Listeners are told at most once in this many microseconds. */
const TELL_US = 1_000_000;

/** What a full store has forgotten so far. */
export interface Forgotten {
  /** How many entities. */
  readonly entities: number;
  /**
   * How many permits (of circuits, failures) counted in them at their last calls: this many may be
   * admitted too much in all.
   */
  readonly permits: number;
}

/** An entity that may be forgotten. */
interface Candidate {
  readonly tag: string;
  readonly weight: number;
  readonly expiresUs: number;
}

/** The lightest entities of those that were looked at, the lightest last. */
export class Candidates {
  readonly #lightest: Candidate[] = [];

  get isEmpty(): boolean {
    return this.#lightest.length === 0;
  }

  /** Remembers an entity if it is among the lightest. */
  offer(tag: string, weight: number, expiresUs: number): void {
    const all = this.#lightest;
    const candidate = { tag, weight, expiresUs };
    if (all.length >= REMEMBERED && !isLighter(candidate, all[0] as Candidate)) return;
    const known = all.findIndex(other => other.tag === tag);
    if (known >= 0) all.splice(known, 1);
    else if (all.length >= REMEMBERED) all.shift();
    const place = all.findIndex(other => !isLighter(candidate, other));
    all.splice(place < 0 ? all.length : place, 0, candidate);
  }

  /** Takes the lightest. */
  take(): Candidate | undefined {
    return this.#lightest.pop();
  }
}

function isLighter(one: Candidate, other: Candidate): boolean {
  return one.weight === other.weight ? one.expiresUs < other.expiresUs : one.weight < other.weight;
}

/** Who is told of what was forgotten. */
export type ForgottenListener = (forgotten: Forgotten) => unknown;

/** Counts what was forgotten, and tells of it. */
export class Tally {
  #entities = 0;
  #permits = 0;
  /** Nobody is told before. */
  #tellAtUs = 0;
  readonly #listener: ForgottenListener | undefined;

  constructor(listener: ForgottenListener | undefined) {
    this.#listener = listener;
  }

  get total(): Forgotten {
    return { entities: this.#entities, permits: this.#permits };
  }

  add(weight: number, nowUs: number): void {
    this.#entities++;
    if (weight !== HEAVIEST) this.#permits += weight;
    if (nowUs < this.#tellAtUs) return;
    this.#tellAtUs = nowUs + TELL_US;
    const listener = this.#listener;
    // After the call that has made it forget: a listener may ask for anything.
    if (listener !== undefined) queueMicrotask(() => tell(listener, this.total, "onForgotten"));
  }
}

declare function queueMicrotask(work: () => void): void;
