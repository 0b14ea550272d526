/** The cells of one entity: a short list, found by a linear search. */

import { MAX_NUMBER } from "../store/store.js";

/**
 * A cell's value, in the one form it can have: text that is a canonical decimal number up to 2^53
 * is always a number, so equal values are equal in this type too.
 */
export type CellValue = number | string;

/** One cell; replaced, never changed. Past its expiry it reads as absent. */
export interface Cell {
  readonly field: number;
  /** In microseconds since 1970; infinite: not known. */
  readonly expiresUs: number;
  readonly value: CellValue;
}

/** The value as text. */
export function textOf(value: CellValue): string {
  return typeof value === "number" ? String(value) : value;
}

/** The value that a text is. */
export function cellValue(text: string): CellValue {
  const first = text.charCodeAt(0);
  if (first < 0x30 || first > 0x39 || text.length > 16) return text;
  if (!CANONICAL.test(text)) return text;
  const number = Number(text);
  // What is just above the greatest number reads as it.
  return number < MAX_NUMBER || text === GREATEST ? number : text;
}

const CANONICAL = /^(?:0|[1-9][0-9]*)$/;
const GREATEST = String(MAX_NUMBER);

/** The cells of one entity in one scope. */
export class Cells {
  #cells: Cell[] = [];

  /** The value at `field`; undefined where there is none or it has expired. */
  get(field: number, nowUs: number): CellValue | undefined {
    for (const cell of this.#cells) {
      if (cell.field === field) return cell.expiresUs > nowUs ? cell.value : undefined;
    }
    return undefined;
  }

  /** When the value at `field` expires; undefined where there is none or it has expired. */
  expiryOf(field: number, nowUs: number): number | undefined {
    for (const cell of this.#cells) {
      if (cell.field === field) return cell.expiresUs > nowUs ? cell.expiresUs : undefined;
    }
    return undefined;
  }

  /** Takes a value over as known. `expiresUs` is infinite where the expiry is not known. */
  set(field: number, value: CellValue | undefined, expiresUs: number): void {
    this.#cells = this.#cells.filter(cell => cell.field !== field);
    if (value !== undefined) this.#cells.push({ field, expiresUs, value });
  }

  /** Drops what has expired. */
  prune(nowUs: number): void {
    for (const cell of this.#cells) {
      if (cell.expiresUs <= nowUs) {
        this.#cells = this.#cells.filter(cell => cell.expiresUs > nowUs);
        return;
      }
    }
  }

  /** Whether there is no cell at all, not even an expired one. */
  get isEmpty(): boolean {
    return this.#cells.length === 0;
  }

  /** When the last of the cells expires, in microseconds since 1970; 0 where there is none. */
  get expiresUs(): number {
    let last = 0;
    for (const cell of this.#cells) if (cell.expiresUs > last) last = cell.expiresUs;
    return last;
  }

  clear(): void {
    if (this.#cells.length > 0) this.#cells.length = 0;
  }

  /** Takes over the cells of another. */
  copy(other: Cells): void {
    const from = other.#cells;
    const to = this.#cells;
    if (to.length > from.length) to.length = from.length;
    for (let slot = 0; slot < from.length; slot++) to[slot] = from[slot] as Cell;
  }

  /** The index of a field; one past the last where it has none. */
  slot(field: number): number {
    const cells = this.#cells;
    let slot = 0;
    while (slot < cells.length && cells[slot]?.field !== field) slot++;
    return slot;
  }

  /**
   * Puts `cell` at `slot` and returns what was there; a slot one past the last is made, and then
   * there was nothing.
   */
  replace(slot: number, cell: Cell): Cell | undefined {
    const before = this.#cells[slot];
    this.#cells[slot] = cell;
    return before;
  }

  /**
   * Undoes {@link replace}, given what it returned. A slot that it made is the last one, because
   * changes are undone in reverse order.
   */
  restore(slot: number, before: Cell | undefined): void {
    if (before === undefined) this.#cells.length = slot;
    else this.#cells[slot] = before;
  }
}

/** The cells of one entity. */
export class Entity {
  /** Those that all hosts share. */
  readonly shared = new Cells();
  /** Those of this process. */
  readonly local = new Cells();
  /** How much forgetting it would give away, by its last answer; 0: not known. */
  weight = 0;

  /** Whether nothing of it is of any more use. */
  isOver(nowUs: number): boolean {
    return this.expiresUs <= nowUs;
  }

  /** When the last of its cells expires; 0 where it has none. */
  get expiresUs(): number {
    return Math.max(this.shared.expiresUs, this.local.expiresUs);
  }

  clear(): void {
    this.shared.clear();
    this.local.clear();
    this.weight = 0;
  }

  /** Takes over the cells of another. */
  copy(other: Entity): void {
    this.shared.copy(other.shared);
    this.local.copy(other.local);
  }
}
