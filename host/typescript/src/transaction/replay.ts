/**
 * The replay of a log that the store applied while it knew other numbers than the runs were told.
 *
 * Each operation first puts its cell right from what the store knew (its pin) and is then answered
 * as any other. The log shortens, so the replay follows the same rules: an operation that a log
 * would leave out takes no pin, and a repeated `advance` takes its pin as often as it was repeated.
 */

import type { Place } from "../runtime/world.js";
import type { Op, Seen } from "../store/store.js";
import { asksFor, type Log, NONE, raisesTo, Touched } from "./log.js";

/** There is nothing to put right. */
export const NO_PIN = Symbol("no pin");

/** A value that the store knew, or that there is nothing to put right. */
export type Pin = string | undefined | typeof NO_PIN;

/** The pins of an applied log, and where in it the repeated runs are. */
export class Replay {
  readonly #log: Log;
  readonly #pins: readonly Seen[];
  readonly #touched: Touched[];
  #diverged: boolean;
  #start: Touched[] = [];

  constructor(log: Log, pins: readonly Seen[]) {
    this.#log = log;
    this.#pins = pins;
    this.#touched = log.cells.map(() => new Touched());
    this.#diverged = pins.length !== log.ops.length;
  }

  startRun(): void {
    this.#start = this.#touched.map(touched => {
      const copy = new Touched();
      copy.copy(touched);
      return copy;
    });
  }

  rollbackRun(): void {
    this.#start.forEach((before, cell) => {
      this.#touched[cell]?.copy(before);
    });
  }

  /** Whether every operation was issued again, as often as before, and no other. */
  get isAlike(): boolean {
    const isDone = (touched: Touched, cell: number) =>
      this.#isSpent(touched) && this.#following(touched, cell) === NONE;
    return !this.#diverged && this.#touched.every(isDone);
  }

  get(at: Place): Pin {
    const touched = this.#find(at);
    if (touched === undefined || touched.known) return NO_PIN;
    const op = this.#take(at, touched, op => op.kind === "get");
    if (op?.kind !== "get") return NO_PIN;
    touched.learn();
    return op.expected;
  }

  observe(at: Place): Pin {
    const touched = this.#find(at);
    if (touched === undefined || touched.observed) return NO_PIN;
    if (this.#take(at, touched, op => op.kind === "observe") === undefined) return NO_PIN;
    touched.observed = true;
    const seen = this.#pins[touched.last];
    return typeof seen === "number" ? this.#diverge(NO_PIN) : seen;
  }

  put(at: Place, value: string | undefined, ttlMs: number): void {
    const touched = this.#find(at);
    if (touched === undefined) return;
    const op = this.#take(at, touched, op => op.kind === "put" && op.value === value && op.ttlMs === ttlMs);
    if (op !== undefined) touched.learn();
  }

  /** The base of the first repetition. Those that follow find the cell right. */
  advance(at: Place, step: number, floor: number, ceiling: number, ttlMs: number): number | undefined {
    const touched = this.#find(at);
    if (touched === undefined) return undefined;
    const isSame = (op: Op | undefined) => op?.kind === "advance" && asksFor(op, step, floor, ceiling, ttlMs);
    if (!this.#isSpent(touched) && isSame(this.#log.ops[touched.last])) {
      touched.used++;
      return undefined;
    }
    if (this.#take(at, touched, isSame) === undefined) return undefined;
    touched.used = 1;
    return this.#number(touched);
  }

  /** Holds the verdict on the pinned number to the one that the store confirmed. */
  verdict(at: Place, fits: boolean): void {
    const touched = this.#find(at);
    const op = touched && this.#log.ops[touched.last];
    if (touched === undefined || op?.kind !== "advance") return;
    if (op.fits !== fits) this.#diverge(undefined);
    else if (fits && op.step > 0) touched.forget();
  }

  /** The number after the move. */
  retreat(at: Place, step: number, floor: number): number | undefined {
    const touched = this.#find(at);
    if (touched === undefined) return undefined;
    const op = this.#take(at, touched, op => op.kind === "retreat" && op.step === step && op.floor === floor);
    if (op === undefined) return undefined;
    touched.forget();
    return this.#number(touched);
  }

  /** The number after the move, of the first of several that are the same. */
  raise(at: Place, to: number, ttlMs: number): number | undefined {
    const touched = this.#find(at);
    if (touched === undefined || raisesTo(this.#log.ops[touched.last], to, ttlMs)) return undefined;
    if (this.#take(at, touched, op => raisesTo(op, to, ttlMs)) === undefined) return undefined;
    touched.forget();
    return this.#number(touched);
  }

  #number(touched: Touched): number | undefined {
    const seen = this.#pins[touched.last];
    return typeof seen === "number" ? seen : this.#diverge(undefined);
  }

  #find(at: Place): Touched | undefined {
    return this.#touched[this.#log.find(at)] ?? this.#diverge(undefined);
  }

  /** Goes on to the next operation on the cell, which must be as expected. */
  #take(at: Place, touched: Touched, isExpected: (op: Op) => boolean): Op | undefined {
    const next = this.#following(touched, this.#log.find(at));
    const op = this.#log.ops[next];
    if (op === undefined || !this.#isSpent(touched) || !isExpected(op)) return this.#diverge(undefined);
    touched.last = next;
    touched.used = 0;
    return op;
  }

  /** Whether the replay has repeated the cell's latest operation as often as the log says. */
  #isSpent(touched: Touched): boolean {
    const op = this.#log.ops[touched.last];
    return op?.kind !== "advance" || touched.used === op.repeat;
  }

  /** The operation on the cell that follows its latest. */
  #following(touched: Touched, cell: number): number {
    const ops = this.#log.ops;
    for (let index = touched.last + 1; index < ops.length; index++) if (ops[index]?.cell === cell) return index;
    return NONE;
  }

  #diverge<T>(value: T): T {
    this.#diverged = true;
    return value;
  }
}
