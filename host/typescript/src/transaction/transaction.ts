/**
 * What guest runs see and change: a time and the cells of a few entities.
 *
 * A transaction is used in one of two ways. *Direct*: its cells are the true ones, lent by the
 * memory store, and a run changes them for good. *Logged*: its cells are what was last known of a
 * distant store; every operation is answered from them at once and written down with its answer, so
 * that the store can commit the log or refuse it. When the store applied a log but knew other
 * numbers, the runs are repeated on those numbers ({@link Transaction.beginReplay}).
 *
 * Invariant: a run that fails leaves no trace ({@link Transaction.rollbackRun}), and a log that is
 * refused leaves none of any of its runs. Times are microseconds since 1970.
 */

import type { EntityKey } from "../key.js";
import type { Place, World } from "../runtime/world.js";
import { type Commit, type CommitCell, MAX_NUMBER, type Seen } from "../store/store.js";
import { type Cell, type Cells, type CellValue, cellValue, Entity, textOf } from "./cells.js";
import { Log } from "./log.js";
import { NO_PIN, type Pin, Replay } from "./replay.js";

/**
 * A changed cell, as it was before; undefined: there was no such slot. Reused, because most runs
 * change one or two.
 */
interface Change {
  cells: Cells;
  isLocal: boolean;
  slot: number;
  before: Cell | undefined;
}

/** What one or several guest runs see. Reused from call to call, it keeps its allocations. */
export class Transaction implements World {
  /** The time that every read of the clock sees. */
  nowUs = 0;
  /**
   * For how many whole milliseconds the call was tried in vain; to be set once the transaction has
   * begun.
   */
  refusedMs = 0;
  strayed = false;
  number = 0;
  /** Whether the latest run has asked a shared cell. */
  hasAskedShared = false;
  #isLogged = false;
  /** While an applied log is repeated. */
  #replay: Replay | undefined;
  /** Where in the changes the latest run starts. */
  #runStart = 0;
  #entities: Entity[] = [];
  /** The changes so far are the first N. */
  readonly #changes: Change[] = [];
  #changed = 0;
  readonly #log = new Log();

  /** Starts over on the true cells of one entity. */
  beginDirect(nowUs: number, entity: Entity): void {
    this.#begin(nowUs, false);
    if (this.#entities.length !== 1) this.#entities = [entity];
    else this.#entities[0] = entity;
  }

  /** Starts over on the true cells of several entities. */
  beginDirectOn(nowUs: number, entities: Entity[]): void {
    this.#begin(nowUs, false);
    this.#entities = entities;
  }

  /**
   * Starts over on empty cells of these entities, into which what is known is to be put: see {@link
   * entity}.
   */
  beginLogged(nowUs: number, keys: readonly EntityKey[]): void {
    this.#log.begin(nowUs, keys);
    this.#begin(nowUs, true);
    this.#entities = keys.map(() => new Entity());
  }

  /**
   * Starts over on what is known of one entity, which stays as it is. What an earlier transaction
   * left is used again: what lives for long and is made anew each time costs the collector most.
   */
  beginLoggedOn(nowUs: number, keys: readonly [EntityKey], known: Entity): void {
    this.#log.begin(nowUs, keys);
    this.#begin(nowUs, true);
    if (this.#entities.length !== 1) this.#entities = [new Entity()];
    this.entity(0).copy(known);
  }

  /** Takes the cells of its one entity out, and keeps others for the next time. */
  exchange(other: Entity): Entity {
    const entity = this.entity(0);
    this.#entities[0] = other;
    return entity;
  }

  #begin(nowUs: number, isLogged: boolean): void {
    this.#isLogged = isLogged;
    this.#replay = undefined;
    this.nowUs = nowUs;
    this.refusedMs = 0;
    this.#changed = 0;
    this.startRun();
  }

  /** The cells of an entity of this call. */
  entity(index: number): Entity {
    return this.#entities[index] as Entity;
  }

  /**
   * The log so far; undefined for a direct transaction. It is overwritten when the transaction
   * starts over.
   */
  get commit(): Commit | undefined {
    return this.#isLogged ? this.#log : undefined;
  }

  /** Whether the latest run of a direct transaction changed nothing. */
  get isUnchanged(): boolean {
    return this.#changed === 0;
  }

  /** Whether the runs so far have changed a local cell. */
  get hasChangedLocal(): boolean {
    for (let index = 0; index < this.#changed; index++) if (this.#changes[index]?.isLocal) return true;
    return false;
  }

  startRun(): void {
    this.strayed = false;
    this.hasAskedShared = false;
    if (this.#replay !== undefined) this.#replay.startRun();
    else if (this.#isLogged) this.#log.startRun();
    else this.#changed = 0;
    this.#runStart = this.#changed;
  }

  rollbackRun(): void {
    this.#undoTo(this.#runStart);
    if (this.#replay !== undefined) this.#replay.rollbackRun();
    else if (this.#isLogged) this.#log.rollbackRun();
  }

  /** Undoes all runs and empties the log, for another try at another time. */
  restart(nowUs: number): void {
    this.#undoTo(0);
    this.#log.restart(nowUs);
    this.#begin(nowUs, this.#isLogged);
  }

  /**
   * Undoes all runs, takes the true values of the log's cells at `clockUs` over as known, and
   * empties the log for another try. Where a value is not the one that was known, its expiry is not
   * known either and taken to be `expiresUs`. Returns the cells.
   */
  refuse(truth: readonly (string | undefined)[], clockUs: number, expiresUs: number): readonly CommitCell[] {
    this.#undoTo(0);
    const cells = this.#log.cells.slice();
    cells.forEach(({ entity, field }, index) => {
      const known = this.entity(entity).shared;
      const text = truth[index];
      const value = text === undefined ? undefined : cellValue(text);
      if (known.get(field, clockUs) !== value) known.set(field, value, expiresUs);
    });
    this.restart(this.nowUs);
    return cells;
  }

  /**
   * Whether what the store knew when it applied the log is just what the runs were told. If so the
   * cells hold what the store now holds; if not, the runs must be repeated: see {@link
   * beginReplay}.
   */
  wasTold(seen: readonly Seen[]): boolean {
    return this.#log.wasTold(seen);
  }

  /**
   * Starts to repeat the runs of an applied log, in their order, on what the store knew. Afterwards
   * the cells hold what the store now holds, and {@link replayedAlike} tells whether the runs were
   * the same.
   */
  beginReplay(seen: readonly Seen[]): void {
    // Local cells are not pinned: their runs start again from where they were. Shared ones are put
    // right one by one, as the pins tell.
    while (this.#changed > 0) {
      const change = this.#changes[--this.#changed] as Change;
      if (change.isLocal) undo(change);
    }
    this.#replay = new Replay(this.#log, seen);
    this.startRun();
  }

  /**
   * Whether the repeated runs issued the very operations of the log, which the contract demands of
   * a policy.
   */
  get replayedAlike(): boolean {
    return this.#replay?.isAlike ?? false;
  }

  get(at: Place): string | undefined {
    const cells = this.#cellsAt(at);
    if (cells === undefined) return undefined;
    if (this.#replay !== undefined && at.scope !== "local") this.#setRight(cells, at, this.#replay.get(at));
    const text = textAt(cells, at, this.nowUs);
    if (this.#logs(at)) this.#log.get(at, text);
    return text;
  }

  observe(at: Place): string | undefined {
    const cells = this.#cellsAt(at);
    if (cells === undefined) return undefined;
    if (this.#replay !== undefined && at.scope !== "local") this.#setRight(cells, at, this.#replay.observe(at));
    const text = textAt(cells, at, this.nowUs);
    if (this.#logs(at)) this.#log.observe(at, text);
    return text;
  }

  put(at: Place, value: string | undefined, ttlMs: number): void {
    const cells = this.#cellsAt(at);
    if (cells === undefined) return;
    if (this.#replay !== undefined && at.scope !== "local") this.#replay.put(at, value, ttlMs);
    if (this.#logs(at)) this.#log.put(at, value, ttlMs);
    if (value !== undefined) this.#write(cells, at, cellValue(value), this.#expiryUs(ttlMs));
    else if (cells.get(at.field, this.nowUs) !== undefined) this.#write(cells, at, 0, 0);
  }

  advance(at: Place, step: number, floor: number, asked: number, ttlMs: number): boolean {
    // No store can hold more, so a policy that asks for more is told that it does not fit.
    const ceiling = Math.min(asked, MAX_NUMBER);
    this.number = floor;
    const cells = this.#cellsAt(at);
    if (cells === undefined) return false;
    if (this.#replay !== undefined) this.#pinAdvance(cells, at, step, floor, ceiling, ttlMs);
    const base = baseAt(cells, at, floor, this.nowUs);
    // Subtracted, because a sum above 2^53 may round to what fits.
    const fits = step <= ceiling - base;
    if (this.#logs(at)) this.#log.advance(at, step, floor, ceiling, ttlMs, fits, base);
    if (this.#replay !== undefined && at.scope !== "local") this.#replay.verdict(at, fits);
    if (fits && step > 0) this.#write(cells, at, base + step, this.#expiryUs(ttlMs));
    this.number = fits ? base + step : base;
    return fits;
  }

  retreat(at: Place, step: number, floor: number): number {
    const cells = this.#cellsAt(at);
    if (cells === undefined) return floor;
    if (this.#replay !== undefined) this.#pinRetreat(cells, at, step, floor);
    const number = cells.get(at.field, this.nowUs);
    const isNumber = typeof number === "number";
    const next = isNumber ? Math.max(number - step, Math.min(floor, number)) : floor;
    if (this.#logs(at)) this.#log.retreat(at, step, floor, next);
    const expiresUs = cells.expiryOf(at.field, this.nowUs);
    if (isNumber && number !== next && expiresUs !== undefined) this.#write(cells, at, next, expiresUs);
    return next;
  }

  raise(at: Place, asked: number, ttlMs: number): number {
    const to = Math.min(asked, MAX_NUMBER);
    const cells = this.#cellsAt(at);
    if (cells === undefined) return to;
    if (this.#replay !== undefined) this.#pinRaise(cells, at, to, ttlMs);
    const number = baseAt(cells, at, 0, this.nowUs);
    const next = Math.max(number, to);
    if (this.#logs(at)) this.#log.raise(at, to, ttlMs, next);
    if (number < next) this.#write(cells, at, next, this.#expiryUs(ttlMs));
    return next;
  }

  /** Whether the cell at `at` holds a value that is no number. */
  holdsText(at: Place): boolean {
    return typeof this.#cellsAt(at)?.get(at.field, this.nowUs) === "string";
  }

  #cellsAt(at: Place): Cells | undefined {
    const entity = this.#entities[at.entity];
    if (entity === undefined) {
      this.strayed = true;
      return undefined;
    }
    if (at.scope === "local") return entity.local;
    this.hasAskedShared = true;
    return entity.shared;
  }

  #logs(at: Place): boolean {
    return this.#isLogged && this.#replay === undefined && at.scope !== "local";
  }

  #expiryUs(ttlMs: number): number {
    return this.nowUs + ttlMs * 1_000;
  }

  /** Puts a value at `at`, so that it can be undone. One that has expired at 0 counts as absent. */
  #write(cells: Cells, at: Place, value: CellValue, expiresUs: number): void {
    const slot = cells.slot(at.field);
    const before = cells.replace(slot, { field: at.field, expiresUs, value });
    const change = this.#changes[this.#changed++];
    if (change === undefined) {
      this.#changes.push({ cells, isLocal: at.scope === "local", slot, before });
    } else {
      change.cells = cells;
      change.isLocal = at.scope === "local";
      change.slot = slot;
      change.before = before;
    }
  }

  #undoTo(length: number): void {
    while (this.#changed > length) undo(this.#changes[--this.#changed] as Change);
  }

  #pinAdvance(cells: Cells, at: Place, step: number, floor: number, ceiling: number, ttlMs: number): void {
    if (at.scope === "local") return;
    const base = this.#replay?.advance(at, step, floor, ceiling, ttlMs);
    if (base === undefined || baseAt(cells, at, floor, this.nowUs) === base) return;
    // A base at the floor says only that the number is no higher than that.
    this.#correct(cells, at, base > floor ? base : undefined);
  }

  #pinRetreat(cells: Cells, at: Place, step: number, floor: number): void {
    if (at.scope === "local") return;
    const next = this.#replay?.retreat(at, step, floor);
    if (next === undefined) return;
    // The number before it moved, or one that moves to the same number.
    const before = next > floor ? next + step : next;
    if (next !== floor || typeof cells.get(at.field, this.nowUs) === "number") this.#correct(cells, at, before);
  }

  #pinRaise(cells: Cells, at: Place, to: number, ttlMs: number): void {
    if (at.scope === "local") return;
    const next = this.#replay?.raise(at, to, ttlMs);
    if (next === undefined || baseAt(cells, at, to, this.nowUs) === next) return;
    // Where it came to be `to`, it was no more than that.
    this.#correct(cells, at, next > to ? next : undefined);
  }

  #setRight(cells: Cells, at: Place, pin: Pin): void {
    if (pin !== NO_PIN) this.#correct(cells, at, pin === undefined ? undefined : cellValue(pin));
  }

  /**
   * Corrects what was known of a cell. Its expiry stays as it was known; if there was none, it is
   * not known.
   */
  #correct(cells: Cells, at: Place, value: CellValue | undefined): void {
    if (cells.get(at.field, this.nowUs) === value) return;
    const expiresUs = cells.expiryOf(at.field, this.nowUs) ?? Number.POSITIVE_INFINITY;
    if (value === undefined) this.#write(cells, at, 0, 0);
    else this.#write(cells, at, value, expiresUs);
  }
}

function undo({ cells, slot, before }: Change): void {
  cells.restore(slot, before);
}

function textAt(cells: Cells, at: Place, nowUs: number): string | undefined {
  const value = cells.get(at.field, nowUs);
  return value === undefined ? undefined : textOf(value);
}

/** `max(number or 0, floor)`; a value that is no number counts as absent. */
function baseAt(cells: Cells, at: Place, floor: number, nowUs: number): number {
  const value = cells.get(at.field, nowUs);
  return typeof value === "number" && value > floor ? value : floor;
}
