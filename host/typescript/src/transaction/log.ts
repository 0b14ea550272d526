/**
 * The log of the runs of a transaction: store operations with the answers that the runs were given,
 * shortened where the answer to one follows from another.
 */

import type { EntityKey } from "../key.js";
import type { Place } from "../runtime/world.js";
import type { Advance, CommitCell, Op, Seen } from "../store/store.js";

/** No operation. */
export const NONE = -1;

/** What the log knows of a cell that it touches. The recording and the replay keep it alike. */
export class Touched {
  /** The latest operation on the cell. */
  last = NONE;
  /** How often the replay has repeated that operation. */
  used = 0;
  /**
   * The value follows from the log: it was read or put, and not moved since. Reading it again says
   * nothing new.
   */
  known = false;
  /** The value was observed, and not moved since. */
  observed = false;

  copy(other: Touched): void {
    this.last = other.last;
    this.used = other.used;
    this.known = other.known;
    this.observed = other.observed;
  }

  learn(): void {
    this.known = true;
    this.observed = true;
  }

  forget(): void {
    this.known = false;
    this.observed = false;
  }
}

/** The log. It is the commit that a store applies. */
export class Log {
  atUs = 0;
  entities: readonly EntityKey[] = [];
  readonly cells: CommitCell[] = [];
  readonly ops: Op[] = [];
  readonly touched: Touched[] = [];
  /** For each operation what the store would say to confirm what the runs were told. */
  readonly #told: Seen[] = [];
  /**
   * Where the latest run started: its first operation, the cells before it, and earlier operations
   * that it repeated.
   */
  #startOp = 0;
  #startCell = 0;
  readonly #startTouched: Touched[] = [];
  readonly #raised: Advance[] = [];

  begin(atUs: number, entities: readonly EntityKey[]): void {
    this.entities = entities;
    this.restart(atUs);
  }

  restart(atUs: number): void {
    this.atUs = atUs;
    this.cells.length = 0;
    this.ops.length = 0;
    this.touched.length = 0;
    this.#told.length = 0;
  }

  startRun(): void {
    this.#startOp = this.ops.length;
    this.#startCell = this.touched.length;
    if (this.#raised.length > 0) this.#raised.length = 0;
    for (let cell = 0; cell < this.touched.length; cell++) {
      this.#startTouched[cell] ??= new Touched();
      this.#startTouched[cell]?.copy(this.#of(cell));
    }
  }

  rollbackRun(): void {
    for (const op of this.#raised) op.repeat--;
    this.#raised.length = 0;
    this.ops.length = this.#startOp;
    this.#told.length = this.#startOp;
    this.cells.length = this.#startCell;
    this.touched.length = this.#startCell;
    this.#startTouched.slice(0, this.#startCell).forEach((before, cell) => {
      this.#of(cell).copy(before);
    });
  }

  /** Whether what the store knew is just what the runs were told. */
  wasTold(seen: readonly Seen[]): boolean {
    const told = this.#told;
    if (told.length !== seen.length) return false;
    for (let index = 0; index < told.length; index++) if (told[index] !== seen[index]) return false;
    return true;
  }

  get(at: Place, told: string | undefined): void {
    const cell = this.#cell(at);
    const touched = this.#of(cell);
    if (!touched.known) this.#push(touched, { kind: "get", cell, expected: told }, undefined);
    touched.learn();
  }

  observe(at: Place, told: string | undefined): void {
    const cell = this.#cell(at);
    const touched = this.#of(cell);
    if (!touched.observed) this.#push(touched, { kind: "observe", cell }, told);
    touched.observed = true;
  }

  put(at: Place, value: string | undefined, ttlMs: number): void {
    const cell = this.#cell(at);
    const touched = this.#of(cell);
    this.#push(touched, { kind: "put", cell, value, ttlMs }, undefined);
    touched.learn();
  }

  advance(at: Place, step: number, floor: number, ceiling: number, ttlMs: number, fits: boolean, base: number): void {
    const cell = this.#cell(at);
    const touched = this.#of(cell);
    const last = this.ops[touched.last];
    // Operations on other cells in between do not matter: what one cell answers does not depend on
    // another.
    if (last?.kind === "advance" && last.fits === fits && asksFor(last, step, floor, ceiling, ttlMs)) {
      last.repeat++;
      if (touched.last < this.#startOp) this.#raised.push(last);
    } else {
      this.#push(touched, { kind: "advance", cell, step, floor, ceiling, ttlMs, fits, repeat: 1 }, base);
    }
    if (fits && step > 0) touched.forget();
  }

  retreat(at: Place, step: number, floor: number, told: number): void {
    const cell = this.#cell(at);
    const touched = this.#of(cell);
    this.#push(touched, { kind: "retreat", cell, step, floor }, told);
    touched.forget();
  }

  /** The same again changes nothing and is told the same, so it is not written down. */
  raise(at: Place, to: number, ttlMs: number, told: number): void {
    const cell = this.#cell(at);
    const touched = this.#of(cell);
    if (!raisesTo(this.ops[touched.last], to, ttlMs)) this.#push(touched, { kind: "raise", cell, to, ttlMs }, told);
    touched.forget();
  }

  /** The index of a cell; {@link NONE} where the log does not touch it. */
  find(at: Place): number {
    const cells = this.cells;
    for (let index = 0; index < cells.length; index++) {
      const cell = cells[index];
      if (cell !== undefined && cell.field === at.field && cell.entity === at.entity) return index;
    }
    return NONE;
  }

  #cell(at: Place): number {
    const found = this.find(at);
    if (found !== NONE) return found;
    this.cells.push({ entity: at.entity, field: at.field });
    return this.touched.push(new Touched()) - 1;
  }

  #push(touched: Touched, op: Op, told: Seen): void {
    touched.last = this.ops.push(op) - 1;
    this.#told.push(told);
  }

  #of(cell: number): Touched {
    return this.touched[cell] as Touched;
  }
}

/** Whether an operation is a `raise` with these arguments. */
export function raisesTo(op: Op | undefined, to: number, ttlMs: number): boolean {
  return op?.kind === "raise" && op.to === to && op.ttlMs === ttlMs;
}

/** Whether an `advance` has these arguments. */
export function asksFor(op: Advance, step: number, floor: number, ceiling: number, ttlMs: number): boolean {
  return op.step === step && op.floor === floor && op.ceiling === ceiling && op.ttlMs === ttlMs;
}
