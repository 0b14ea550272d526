/** A store as small as it can be, to compare real ones with; and random commits. */

import fc from "fast-check";
import { MAX_NUMBER, type Op, type Outcome, type Seen } from "../../src/store/store.js";
import { advance, get, observe, put, raise, retreat } from "./bench.js";

/** Four cells whose values never expire. */
export class Model {
  #cells: (string | undefined)[] = [undefined, undefined, undefined, undefined];

  commit(batch: readonly Op[]): Outcome {
    const before = this.#cells.slice();
    const seen: Seen[] = [];
    for (const op of batch) {
      const known = this.#apply(op);
      if (known === false) {
        this.#cells = before;
        return { kind: "refused", values: before };
      }
      seen.push(known);
    }
    return { kind: "applied", seen };
  }

  #number(cell: number): bigint | undefined {
    const text = this.#cells[cell];
    if (text === undefined || !/^(0|[1-9]\d*)$/.test(text) || BigInt(text) > BigInt(MAX_NUMBER)) return undefined;
    return BigInt(text);
  }

  #apply(op: Op): Seen | false {
    switch (op.kind) {
      case "get":
        return this.#cells[op.cell] === op.expected ? undefined : false;
      case "observe":
        return this.#cells[op.cell];
      case "put":
        this.#cells[op.cell] = op.value;
        return undefined;
      case "advance":
        return this.#advance(op.cell, op.step, op.floor, op.ceiling, op.fits, op.repeat);
      case "retreat":
        return this.#retreat(op.cell, op.step, op.floor);
      case "raise":
        return this.#raise(op.cell, Math.min(op.to, MAX_NUMBER));
    }
  }

  /** One repetition after the other, as the contract tells it, in whole numbers without bound. */
  #advance(cell: number, ...args: [number, number, number, boolean, number]): Seen | false {
    const [step, floor, ceiling] = args.slice(0, 3).map(number => BigInt(Math.min(number as number, MAX_NUMBER)));
    const [, , , isSaidToFit, repeat] = args;
    if (step === undefined || floor === undefined || ceiling === undefined) throw new Error("three numbers");
    const base = () => {
      const number = this.#number(cell) ?? 0n;
      return number > floor ? number : floor;
    };
    const first = base();
    for (let time = 0; time < repeat; time++) {
      const from = base();
      if (from + step <= ceiling !== isSaidToFit) return false;
      if (isSaidToFit && step > 0n) this.#cells[cell] = String(from + step);
    }
    return Number(first);
  }

  #retreat(cell: number, step: number, asked: number): Seen {
    const floor = Math.min(asked, MAX_NUMBER);
    const number = this.#number(cell);
    if (number === undefined) return floor;
    if (Number(number) <= floor || step === 0) return Number(number);
    const next = Math.max(Number(number) - step, floor);
    this.#cells[cell] = String(next);
    return next;
  }

  #raise(cell: number, to: number): Seen {
    const number = Number(this.#number(cell) ?? 0n);
    if (number < to) this.#cells[cell] = String(to);
    return Math.max(number, to);
  }
}

/**
 * Commits one after the other, on values that meet each other often. `greatest` is where numbers
 * end that the store's client can read: the package `redis` reads the last 48 up to 2^53 inexactly.
 */
export function batchesUpTo(greatest: number): fc.Arbitrary<Op[][]> {
  const beyond = greatest === MAX_NUMBER ? [MAX_NUMBER + 2, 2 ** 64] : [];
  // Doubles: the numbers just above 2^53 that there are.
  const number = fc.oneof(
    { weight: 6, arbitrary: fc.nat(11) },
    { weight: 1, arbitrary: fc.nat(3).map(less => greatest - less) },
    { weight: 1, arbitrary: fc.constantFrom(1_000_000_000_000_000, ...beyond) },
  );
  const text = fc.oneof(
    { weight: 2, arbitrary: fc.constant(undefined) },
    { weight: 2, arbitrary: number.map(number => BigInt(number).toString()) },
    { weight: 1, arbitrary: fc.constantFrom("", "x", "07", "é🌊", "\0") },
  );
  return fc.array(fc.array(opOf(number, text), { maxLength: 7 }), { minLength: 1, maxLength: 5 });
}

function opOf(number: fc.Arbitrary<number>, text: fc.Arbitrary<string | undefined>): fc.Arbitrary<Op> {
  const cell = fc.nat(3);
  return fc.oneof(
    { weight: 1, arbitrary: fc.tuple(cell, text).map(args => get(...args)) },
    { weight: 1, arbitrary: cell.map(cell => observe(cell)) },
    { weight: 1, arbitrary: fc.tuple(cell, text).map(args => put(...args)) },
    {
      weight: 4,
      arbitrary: fc
        .tuple(cell, number, number, number, fc.nat(9), fc.integer({ min: 1, max: 3 }))
        .map(([cell, step, floor, ceiling, luck, repeat]) => advance(cell, step, floor, ceiling, luck < 7, repeat)),
    },
    { weight: 2, arbitrary: fc.tuple(cell, number, number).map(args => retreat(...args)) },
    { weight: 2, arbitrary: fc.tuple(cell, number).map(args => raise(...args)) },
  );
}
