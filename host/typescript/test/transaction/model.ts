/**
 * A store that does what `wit/kv.wit` and `store.ts` say and no more: text in a map, one operation
 * after the other.
 */

import type { Commit, Op, Outcome, Seen } from "../../src/store/store.js";
import { type At, type Call, NOW_US, type Told } from "./calls.js";

interface Held {
  readonly text: string;
  readonly expiresUs: number;
}

export class Model {
  cells: Map<string, Held>;

  constructor(cells: ReadonlyMap<string, Held> = new Map()) {
    this.cells = new Map(cells);
  }

  clone(): Model {
    return new Model(this.cells);
  }

  live(at: At, nowUs = NOW_US): string | undefined {
    const held = this.cells.get(String(at));
    return held !== undefined && held.expiresUs > nowUs ? held.text : undefined;
  }

  #number(at: At): number | undefined {
    const text = this.live(at);
    if (text === undefined || !/^(0|[1-9]\d*)$/.test(text) || BigInt(text) > 2n ** 53n) return undefined;
    return Number(text);
  }

  #put(at: At, text: string | undefined, ttlMs: number): void {
    this.cells.delete(String(at));
    if (text !== undefined) this.cells.set(String(at), { text, expiresUs: NOW_US + ttlMs * 1_000 });
  }

  #advance(at: At, step: number, floor: number, ceiling: number, ttlMs: number): { fits: boolean; number: number } {
    const base = Math.max(this.#number(at) ?? 0, floor);
    if (base + step > ceiling) return { fits: false, number: base };
    if (step > 0) this.#put(at, String(base + step), ttlMs);
    return { fits: true, number: base + step };
  }

  #retreat(at: At, step: number, floor: number): number {
    const number = this.#number(at);
    if (number === undefined) return floor;
    if (number <= floor) return number;
    const next = Math.max(number - step, floor);
    const held = this.cells.get(String(at)) as Held;
    this.cells.set(String(at), { ...held, text: String(next) });
    return next;
  }

  #raise(at: At, to: number, ttlMs: number): number {
    const number = this.#number(at) ?? 0;
    if (number < to) this.#put(at, String(to), ttlMs);
    return Math.max(number, to);
  }

  /** What a run would be told that had the store to itself. */
  issue(call: Call): Told {
    switch (call.do) {
      case "get":
      case "observe":
        return this.live(call.at);
      case "put":
        this.#put(call.at, call.value, call.ttlMs);
        return undefined;
      case "advance":
        return this.#advance(call.at, call.step, call.floor, call.ceiling, call.ttlMs);
      case "retreat":
        return this.#retreat(call.at, call.step, call.floor);
      case "raise":
        return this.#raise(call.at, call.to, call.ttlMs);
    }
  }

  apply(commit: Commit): Outcome {
    const after = this.clone();
    const places = commit.cells.map(({ entity, field }): At => [entity, field]);
    const seen: Seen[] = [];
    for (const op of commit.ops) {
      const known = after.#applyOp(op, places[op.cell] as At);
      if (known === false) return { kind: "refused", values: places.map(at => this.live(at)) };
      seen.push(known);
    }
    this.cells = after.cells;
    return { kind: "applied", seen };
  }

  /** False: the run was told something that is not so. */
  #applyOp(op: Op, at: At): Seen | false {
    switch (op.kind) {
      case "get":
        return this.live(at) === op.expected ? undefined : false;
      case "observe":
        return this.live(at);
      case "put":
        this.#put(at, op.value, op.ttlMs);
        return undefined;
      case "advance": {
        const base = Math.max(this.#number(at) ?? 0, op.floor);
        for (let time = 0; time < op.repeat; time++) {
          if (this.#advance(at, op.step, op.floor, op.ceiling, op.ttlMs).fits !== op.fits) return false;
        }
        return base;
      }
      case "retreat":
        return this.#retreat(at, op.step, op.floor);
      case "raise":
        return this.#raise(at, op.to, op.ttlMs);
    }
  }
}
