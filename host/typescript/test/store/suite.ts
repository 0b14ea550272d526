/** What every store must do, whatever it is made of. Each test runs on entities of its own. */

import fc from "fast-check";
import { expect, test } from "vitest";
import { EntityKey } from "../../src/key.js";
import { MAX_LAG_US, MAX_NUMBER, type Op, type Store } from "../../src/store/store.js";
import { advance, Bench, get, newEntity, observe, put, raise, retreat } from "./bench.js";
import { batchesUpTo, Model } from "./model.js";

/** A store under test, and the passing of its time. */
export interface Subject {
  readonly store: Store;
  /** Resolves once the store's clock has gone on by this many milliseconds. */
  pass(ms: number): Promise<void>;
}

const ALL = 2 ** 64;
const BRIEF_MS = 30;

/** An operation after which what it wrote lives for {@link BRIEF_MS}. */
function briefly(op: Op): Op {
  return { ...op, ttlMs: BRIEF_MS } as Op;
}

export function storeSuite(subject: () => Subject, options: { numRuns: number; greatest?: number }): void {
  const bench = () => new Bench(subject().store);

  test("a get is validated", async () => {
    const b = bench();
    expect(await b.apply(get(0, undefined))).toEqual([undefined]);
    expect(await b.refusal(get(0, "a"))).toEqual([undefined, undefined, undefined, undefined]);
    await b.apply(put(0, "a"));
    await b.apply(get(0, "a"));
    for (const wrong of [undefined, "b", ""]) expect((await b.refusal(get(0, wrong)))[0]).toBe("a");
  });

  test("a put replaces and deletes", async () => {
    const b = bench();
    for (const value of ["a", "b", "", undefined, undefined]) {
      expect(await b.apply(put(0, value))).toEqual([undefined]);
      expect(await b.value(0)).toBe(value);
    }
  });

  test("an observe tells the value and refuses nothing", async () => {
    expect(await bench().apply(observe(0), put(0, "a"), observe(0))).toEqual([undefined, undefined, "a"]);
  });

  test("an advance starts at the floor or the number, and never passes the ceiling", async () => {
    const b = bench();
    expect(await b.apply(advance(0, 5, 100, 200, true))).toEqual([100]);
    expect(await b.apply(advance(0, 5, 0, 200, true))).toEqual([105]);
    expect(await b.apply(advance(0, 5, 150, 200, true))).toEqual([150]);
    expect(await b.apply(advance(0, 45, 0, 200, true), advance(0, 1, 0, 200, false))).toEqual([155, 200]);
    expect(await b.apply(advance(1, 1, 11, 10, false))).toEqual([11]);
    expect([await b.value(0), await b.value(1)]).toEqual(["200", undefined]);
  });

  test("an advance by nothing changes nothing", async () => {
    const b = bench();
    expect(await b.apply(advance(0, 0, 7, 10, true), advance(0, 0, 11, 10, false))).toEqual([7, 11]);
    expect(await b.apply(advance(0, 0, 7, 7, true, 9))).toEqual([7]);
    expect(await b.value(0)).toBeUndefined();
  });

  test("an advance with another verdict is refused", async () => {
    const b = bench();
    await b.refusal(advance(0, 5, 0, 10, false));
    await b.apply(put(0, "6"));
    expect((await b.refusal(advance(0, 5, 0, 10, true)))[0]).toBe("6");
    expect(await b.value(0)).toBe("6");
  });

  test("repeated advances fit together or not at all", async () => {
    const b = bench();
    await b.refusal(advance(0, 3, 0, 11, true, 4));
    expect(await b.apply(advance(0, 3, 2, 11, true, 3))).toEqual([2]);
    expect(await b.value(0)).toBe("11");
    await b.refusal(advance(1, 1, 0, ALL, true, ALL));
    await b.refusal(advance(1, MAX_NUMBER, 0, ALL, true, 2));
    await b.refusal(advance(0, 1, 0, 12, false, 5));
    expect(await b.apply(advance(0, 2, 0, 12, false, 5))).toEqual([11]);
  });

  test("a retreat stops at the floor", async () => {
    const b = bench();
    expect(await b.apply(retreat(0, 5, 3))).toEqual([3]);
    expect(await b.value(0)).toBeUndefined();
    await b.apply(put(0, "10"));
    const moves = [retreat(0, 4, 3), retreat(0, 4, 3), retreat(0, 4, 8), retreat(0, 0, 0), retreat(0, ALL, 0)];
    expect(await b.apply(...moves)).toEqual([6, 3, 3, 3, 0]);
    expect(await b.value(0)).toBe("0");
  });

  test("numbers are exact up to the greatest", async () => {
    const b = bench();
    for (const number of [999_999_999_999_999, 1_000_000_000_000_000, 1_000_000_000_000_001, MAX_NUMBER - 1]) {
      await b.apply(put(0, undefined), advance(0, number, 0, MAX_NUMBER, true));
      expect(await b.value(0)).toBe(String(number));
      expect(await b.apply(retreat(0, 1, 0))).toEqual([number - 1]);
    }
    await b.apply(put(0, String(MAX_NUMBER)));
    expect(await b.apply(advance(0, 1, 0, ALL, false), advance(0, 1, ALL, ALL, false))).toEqual([
      MAX_NUMBER,
      MAX_NUMBER,
    ]);
    expect(await b.apply(advance(1, MAX_NUMBER - 1, 1, MAX_NUMBER, true))).toEqual([1]);
    expect(await b.value(1)).toBe(String(MAX_NUMBER));
    expect(await b.apply(advance(2, MAX_NUMBER, 1, MAX_NUMBER, false))).toEqual([1]);
  });

  test("text is no number", async () => {
    const texts = [
      "",
      "x",
      "07",
      "-0",
      "-1",
      "+1",
      " 1",
      "1 ",
      "1.0",
      "1e3",
      "0x10",
      "inf",
      "nan",
      "1\0",
      "9007199254740993",
    ];
    for (const text of texts) {
      const b = bench();
      await b.apply(put(0, text), put(1, text));
      const { outcome, foreign } = await b.commit(retreat(1, 1, 4), advance(0, 2, 3, 9, true));
      expect([text, outcome, foreign]).toEqual([text, { kind: "applied", seen: [4, 3] }, 2]);
      expect([await b.value(0), await b.value(1)]).toEqual(["5", text]);
    }
  });

  test("a refusal tells stored values and changes nothing", async () => {
    const b = bench();
    await b.apply(put(0, "a"), put(2, "7"));
    expect(await b.refusal(put(0, "b"), advance(2, 1, 0, 9, true), get(1, "x"))).toEqual([
      "a",
      undefined,
      "7",
      undefined,
    ]);
    expect([await b.value(0), await b.value(2)]).toEqual(["a", "7"]);
  });

  test("entities are apart, whatever their names", async () => {
    const texts = [
      "",
      ":",
      "{",
      "}",
      "{}",
      "}{",
      "%7B",
      "\0",
      "🌊",
      "a:b",
      "a b\r\n",
      "~",
      "\ud83c",
      "x".repeat(5_000),
    ];
    const name = String(process.hrtime.bigint());
    const benches = texts.map(text => new Bench(subject().store, EntityKey.of("test", name, text)));
    await Promise.all(benches.map((b, index) => b.apply(put(0, String(index)), put(1, "a"))));
    expect(await Promise.all(benches.map(b => b.value(0)))).toEqual(texts.map((_, index) => String(index)));
  });

  test("text of all kinds comes back", async () => {
    const b = bench();
    for (const text of [
      "",
      "\0",
      "\r\n",
      "é",
      "🌊".repeat(200),
      "x".repeat(255),
      "x".repeat(256),
      "y".repeat(1 << 20),
    ]) {
      await b.apply(put(0, text));
      expect((await b.value(0)) === text).toBe(true);
      await b.apply(get(0, text));
    }
  });

  test("a commit is untimely ahead of the clock and too far behind it, and applied in between", async () => {
    const b = bench();
    const clockUs = await b.store.timeUs();
    for (const atUs of [clockUs + 3_600_000_000, clockUs - MAX_LAG_US - 1_000_000]) {
      const reply = await b.commitAt(atUs, put(0, "a"));
      expect(reply.outcome).toEqual({ kind: "untimely" });
      expect(reply.clockUs).toBeGreaterThanOrEqual(clockUs);
    }
    expect(await b.value(0)).toBeUndefined();
    const { outcome } = await b.commitAt((await b.store.timeUs()) - 1_000, put(0, "a"));
    expect(outcome).toEqual({ kind: "applied", seen: [undefined] });
  });

  test("a raise moves up and refuses nothing", async () => {
    const b = bench();
    expect(await b.apply(raise(0, 0))).toEqual([0]);
    expect(await b.value(0)).toBe(undefined);
    for (const [to, number] of [
      [7, 7],
      [5, 7],
      [7, 7],
      [8, 8],
      [0, 8],
    ] as const) {
      expect(await b.apply(raise(0, to))).toEqual([number]);
      expect(await b.value(0)).toBe(String(number));
    }
    const lastUs = 1_795_000_000_000_001;
    expect(await b.apply(raise(0, lastUs), raise(0, lastUs - 1))).toEqual([lastUs, lastUs]);
    await b.apply(put(1, "x"));
    const { outcome, foreign } = await b.commit(raise(1, 3));
    expect([outcome, foreign]).toEqual([{ kind: "applied", seen: [3] }, 1]);
    const moves = [raise(2, 5), get(2, "5"), advance(2, 2, 0, 9, true), raise(2, 6), retreat(2, 3, 0), raise(2, 5)];
    expect(await b.apply(...moves)).toEqual([5, undefined, 5, 7, 4, 5]);
    expect(await b.value(2)).toBe("5");
  });

  test("a raise sets the expiry anew if it moves", async () => {
    const b = bench();
    await b.apply(briefly(raise(0, 5)), briefly(raise(1, 5)));
    await b.apply(raise(0, 5), raise(1, 6));
    await subject().pass(BRIEF_MS + 1);
    expect([await b.value(0), await b.value(1)]).toEqual([undefined, "6"]);
  });

  test("values expire, an advance sets the expiry anew and a retreat does not", async () => {
    const b = bench();
    const brief = briefly(advance(0, 1, 0, 9, true));
    // However late a commit comes, nothing of an earlier one has expired meanwhile that a later one
    // needs.
    await b.apply(briefly(put(0, "a")), { ...brief, cell: 1 } as Op, advance(2, 1, 0, 9, true));
    await b.apply({ ...brief, cell: 2 } as Op);
    await b.apply(retreat(1, 1, 0));
    await subject().pass(BRIEF_MS + 1);
    expect([await b.value(0), await b.value(1), await b.value(2)]).toEqual([undefined, undefined, undefined]);
  });

  test("an advance after a brief one in the same commit keeps the number, and a retreat does not shorten", async () => {
    const b = bench();
    await b.apply(briefly(advance(0, 1, 0, 9, true)), advance(0, 1, 0, 9, true), advance(1, 2, 0, 9, true));
    await b.apply(retreat(1, 1, 0));
    await subject().pass(BRIEF_MS + 1);
    expect([await b.value(0), await b.value(1)]).toEqual(["2", "1"]);
  });

  test("an empty commit is applied, and a list of one entity is atomic", async () => {
    expect(await bench().apply()).toEqual([]);
    const entity = newEntity();
    expect([[], [entity], [entity, entity]].map(list => subject().store.isAtomicOver(list))).toEqual([
      true,
      true,
      true,
    ]);
  });

  test("many callers at once are counted exactly", async () => {
    const b = bench();
    const atUs = (await b.store.timeUs()) - 1_000;
    const replies = await Promise.all(Array.from({ length: 64 }, () => b.commitAt(atUs, advance(0, 1, 0, 32, true))));
    expect(replies.filter(reply => reply.outcome.kind === "applied")).toHaveLength(32);
    expect(await b.value(0)).toBe("32");
  });

  test("random batches give what the model gives", async () => {
    await fc.assert(
      fc.asyncProperty(batchesUpTo(options.greatest ?? MAX_NUMBER), async batches => {
        const b = bench();
        const model = new Model();
        for (const batch of batches) {
          const { outcome } = await b.commit(...batch);
          expect(outcome).toEqual(model.commit(batch));
        }
      }),
      { numRuns: options.numRuns },
    );
  }, 60_000);
}
