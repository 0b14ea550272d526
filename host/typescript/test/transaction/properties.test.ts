/**
 * A transaction against the model of a store, with random operations. A failure prints the seed and
 * path that replay it.
 */

import fc from "fast-check";
import { expect, test } from "vitest";
import { cellValue, Entity, textOf } from "../../src/transaction/cells.js";
import { Transaction } from "../../src/transaction/transaction.js";
import { type At, type Call, issue, KEYS, NOW_US, run, type Told } from "./calls.js";
import { Model } from "./model.js";

const PLACES: At[] = [0, 1].flatMap(entity => [0, 1, 2].map((field): At => [entity, field]));

// Mostly one cell, so that operations meet.
const at = fc.oneof(
  { weight: 3, arbitrary: fc.constant<At>([0, 0]) },
  { weight: 1, arbitrary: fc.constantFrom(...PLACES) },
);
const text = fc.constantFrom("0", "3", "5", "8", "12", "007", "", "closed", "9007199254740993");
const small = (below: number) => fc.nat(below - 1);

const call: fc.Arbitrary<Call> = fc.oneof(
  { weight: 2, arbitrary: fc.record({ do: fc.constant("get" as const), at }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("observe" as const), at }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("put" as const),
      at,
      value: fc.option(text, { nil: undefined }),
      ttlMs: small(4),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("advance" as const),
      at,
      step: small(3),
      floor: fc.constantFrom(0, 4),
      ceiling: fc.integer({ min: 3, max: 11 }),
      ttlMs: small(4),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant("retreat" as const), at, step: small(4), floor: small(6) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant("raise" as const), at, to: small(8), ttlMs: small(4) }),
  },
);

/**
 * Runs of a few operations, some of them several times in a row as callers of one batch issue them.
 */
const runs: fc.Arbitrary<Call[][]> = fc
  .array(fc.tuple(fc.array(call, { minLength: 1, maxLength: 4 }), fc.integer({ min: 1, max: 3 })), {
    minLength: 1,
    maxLength: 4,
  })
  .map(groups => groups.flatMap(([calls, times]) => Array.from({ length: times }, () => calls)));

const model: fc.Arbitrary<Model> = fc
  .array(
    fc.tuple(
      fc.constantFrom(...PLACES),
      text,
      fc.constantFrom(NOW_US - 1, NOW_US, NOW_US + 1, NOW_US + 2_500, NOW_US + 10_000),
    ),
    { maxLength: 5 },
  )
  .map(cells => new Model(new Map(cells.map(([place, text, expiresUs]) => [String(place), { text, expiresUs }]))));

function load(entities: (index: number) => Entity, model: Model): void {
  for (const [place, { text, expiresUs }] of model.cells) {
    const [entity, field] = place.split(",").map(Number) as [number, number];
    entities(entity).shared.set(field, cellValue(text), expiresUs);
  }
}

function held(tx: Transaction, [entity, field]: At, nowUs: number): string | undefined {
  const value = tx.entity(entity).shared.get(field, nowUs);
  return value === undefined ? undefined : textOf(value);
}

const answers = (model: Model, runs: Call[][]) => runs.map(calls => calls.map(call => model.issue(call)));

/** Commits the runs as a ledger does, and returns what they were told in the end. */
function settle(tx: Transaction, store: Model, runs: Call[][]): Told[][] {
  for (let attempt = 0; attempt < 2; attempt++) {
    const told = runs.map(calls => run(tx, calls));
    const outcome = store.apply(tx.commit as NonNullable<typeof tx.commit>);
    if (outcome.kind === "refused") {
      tx.refuse(outcome.values, tx.nowUs, Number.POSITIVE_INFINITY);
    } else if (outcome.kind === "applied") {
      if (tx.wasTold(outcome.seen)) return told;
      tx.beginReplay(outcome.seen);
      const again = runs.map(calls => run(tx, calls));
      expect(tx.replayedAlike).toBe(true);
      return again;
    }
  }
  throw new Error("refused though it ran on the true values");
}

/**
 * Whether a host knows the cell's value for sure after these runs. A number that only stood in the
 * way, or lay at its floor, is known by a bound alone.
 */
function isExact(at: At, runs: Call[][], told: Told[][]): boolean {
  const answers = told.flat();
  return runs.flat().some((call, index) => {
    if (String(call.at) !== String(at) || call.do === "retreat" || call.do === "raise") return false;
    if (call.do !== "advance") return true;
    return call.step > 0 && (answers[index] as { fits: boolean }).fits;
  });
}

test("a direct transaction answers and changes as a store does", () => {
  fc.assert(
    fc.property(model, runs, (start, runs) => {
      const store = start.clone();
      const entities = [new Entity(), new Entity()];
      const tx = new Transaction();
      tx.beginDirectOn(NOW_US, entities);
      load(index => tx.entity(index), store);
      expect(runs.map(calls => run(tx, calls))).toEqual(answers(store, runs));
      for (const at of PLACES) {
        for (const nowUs of [NOW_US, NOW_US + 1_000, NOW_US + 2_500, NOW_US + 3_000, NOW_US + 10_000]) {
          expect(held(tx, at, nowUs)).toBe(store.live(at, nowUs));
        }
      }
    }),
    { numRuns: 500 },
  );
});

test("runs on stale cells end as if they had had the store to themselves", () => {
  fc.assert(
    fc.property(model, model, runs, (known, start, runs) => {
      const store = start.clone();
      const alone = start.clone();
      const expected = answers(alone, runs);
      const tx = new Transaction();
      tx.beginLogged(NOW_US, KEYS);
      load(index => tx.entity(index), known);
      expect(settle(tx, store, runs)).toEqual(expected);
      expect(store.cells).toEqual(alone.cells);
      for (const at of PLACES.filter(at => isExact(at, runs, expected))) {
        expect(held(tx, at, NOW_US)).toBe(store.live(at));
      }
    }),
    { numRuns: 1_000 },
  );
});

test("a run that is rolled back leaves no trace", () => {
  fc.assert(
    fc.property(model, runs, fc.array(call, { minLength: 1, maxLength: 7 }), runs, (known, before, undone, after) => {
      const state = (undone: Call[]) => {
        const tx = new Transaction();
        tx.beginLogged(NOW_US, KEYS);
        load(index => tx.entity(index), known);
        for (const calls of before) run(tx, calls);
        if (undone.length > 0) {
          run(tx, undone);
          for (const call of undone) issue(tx, call, "local");
          tx.rollbackRun();
        }
        const told = after.map(calls => run(tx, calls));
        const cells = PLACES.map(at => held(tx, at, NOW_US));
        return { told, cells, commit: structuredClone({ cells: tx.commit?.cells, ops: tx.commit?.ops }) };
      };
      expect(state(undone)).toEqual(state([]));
    }),
    { numRuns: 500 },
  );
});
