/**
 * How many commits may be on their way at once.
 *
 * A burst of calls is not a reason to hand all of them to the connection: what waits there waits on
 * the store's time, and the runs that it stands for grow old. So commits go out as fast as they are
 * answered, in a window that narrows where the store answers late and widens again while it answers
 * soon: additive increase, multiplicative decrease, as in TCP (Jacobson, 1988).
 */

/**
 * The window at least, and at first and at most: more are no quicker, and a process that gets
 * little of a processor must hear them all in time.
 */
const LEAST = 32;
const MAX_WINDOW = 256;
/** An answer is late after one part in this many of the time limit. */
const PARTS = 4;
/**
 * How much longer than the quickest answers one may take all the same: a store that is far away is
 * not one that is slow.
 */
const SLOWER = 2;
/**
 * Of the time that the quickest answers took, one part in this many is added with each answer,
 * since ways change.
 */
const KEEP = 1_024;

/** Counts the commits that are on their way. */
export class Pace {
  readonly #lateUs: number;
  #window = MAX_WINDOW;
  #onTheirWay = 0;
  #quickestUs = Number.POSITIVE_INFINITY;
  /** What is known of a window comes a trip later, so it is narrowed once a trip. */
  #narrowedUs = Number.NEGATIVE_INFINITY;

  /** @param timeoutMs how long one operation may take; undefined: for ever */
  constructor(timeoutMs: number | undefined) {
    this.#lateUs = timeoutMs === undefined ? Number.POSITIVE_INFINITY : (timeoutMs * 1_000) / PARTS;
  }

  /** How many may be on their way. */
  get window(): number {
    return this.#window;
  }

  /** Whether one more may set out. */
  get hasRoom(): boolean {
    return this.#onTheirWay < this.#window;
  }

  /** One sets out. */
  begin(): void {
    this.#onTheirWay++;
  }

  /** One is back. */
  end(): void {
    this.#onTheirWay--;
  }

  /** A commit was answered, now and after this many microseconds. */
  answered(nowUs: number, tripUs: number): void {
    this.#quickestUs = Math.min(tripUs, this.#quickestUs + this.#quickestUs / KEEP);
    if (tripUs > Math.max(this.#lateUs, SLOWER * this.#quickestUs)) this.#narrow(nowUs, tripUs, 2);
    // A window that was not used up says nothing of a wider one.
    else if (!this.hasRoom && this.#window < MAX_WINDOW) this.#window++;
  }

  /** A commit was not answered in time, or the connection broke. */
  failed(nowUs: number, tripUs: number): void {
    this.#narrow(nowUs, tripUs, 4);
  }

  #narrow(nowUs: number, tripUs: number, factor: number): void {
    if (nowUs - tripUs < this.#narrowedUs) return;
    this.#narrowedUs = nowUs;
    this.#window = Math.max(Math.floor(this.#window / factor), LEAST);
  }
}
