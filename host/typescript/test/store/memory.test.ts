import { describe, expect, test } from "vitest";
import { ManualClock } from "../../src/clock.js";
import { isStoreError } from "../../src/errors.js";
import { Memory } from "../../src/store/memory.js";
import { MemoryStore } from "../../src/store/memory-store.js";
import type { Transaction } from "../../src/transaction/transaction.js";
import { Bench, newEntity, put } from "./bench.js";
import { type Subject, storeSuite } from "./suite.js";

describe("the memory store behind the commit protocol", () => {
  const clock = new ManualClock();
  const store = new MemoryStore(new Memory(), clock);
  const subject: Subject = { store, pass: async ms => clock.advanceMs(ms) };
  storeSuite(() => subject, { numRuns: 500 });

  test("a full store refuses newcomers, changes nothing and serves those it holds", async () => {
    const small = new MemoryStore(new Memory({ capacity: 1, whenFull: "refuse" }), clock);
    const [first, second] = [new Bench(small, newEntity()), new Bench(small, newEntity())];
    await first.apply(put(0, "a"));
    await expect(second.apply(put(0, "b"))).rejects.toMatchObject({ code: "store", reason: "full" });
    expect([await first.value(0), await second.value(0)]).toEqual(["a", undefined]);
    await first.apply(put(0, undefined));
    await second.apply(put(0, "b"));
  });
});

const CELL = { entity: 0, field: 1, scope: "shared" } as const;

function write(memory: Memory, tag: string, nowUs: number, ttlMs: number): void {
  memory.run(tag, nowUs, (_p, _q, tx: Transaction) => tx.put(CELL, "x", ttlMs), undefined, undefined);
}

function read(memory: Memory, tag: string, nowUs: number): string | undefined {
  return memory.run(tag, nowUs, (_p, _q, tx: Transaction) => tx.get(CELL), undefined, undefined);
}

describe("the memory store", () => {
  test("shows the next run what one has put, until it expires", () => {
    const memory = new Memory();
    write(memory, "a", 1_000, 5);
    expect([read(memory, "a", 5_999), read(memory, "b", 5_999), read(memory, "a", 6_000)]).toEqual([
      "x",
      undefined,
      undefined,
    ]);
    expect(memory.size).toBe(0);
  });

  test("never lets time run backwards for an entity", () => {
    const memory = new Memory();
    write(memory, "a", 9_000_000, 60_000);
    expect(memory.run("a", 5_000_000, (_p, _q, tx: Transaction) => tx.nowUs, undefined, undefined)).toBe(9_000_000);
  });

  test("holds nothing of an unknown entity that was only read, and shares nothing between two", () => {
    const memory = new Memory();
    expect(read(memory, "a", 1)).toBeUndefined();
    expect(memory.size).toBe(0);
    write(memory, "a", 1, 5);
    expect(read(memory, "b", 1)).toBeUndefined();
  });

  test("drops what has expired while others come", () => {
    const memory = new Memory();
    for (let round = 0; round < 50; round++) {
      for (let i = 0; i < 200; i++) write(memory, `${round}-${i}`, round * 10_000, 5);
    }
    expect(memory.size).toBeLessThan(1_000);
  });

  test("that is full refuses newcomers until one expires, and serves those it holds", () => {
    const memory = new Memory({ capacity: 2, whenFull: "refuse" });
    write(memory, "a", 0, 10);
    write(memory, "b", 0, 60_000);
    let error: unknown;
    try {
      write(memory, "c", 1, 10);
    } catch (thrown) {
      error = thrown;
    }
    expect(isStoreError(error) && error.reason).toBe("full");
    expect([read(memory, "a", 2), read(memory, "c", 2)]).toEqual(["x", undefined]);
    write(memory, "a", 3, 10);
    write(memory, "c", 20_000, 10);
    expect(memory.size).toBe(2);
  });

  test("finds one that has expired wherever it is, once it may look again", () => {
    const memory = new Memory({ capacity: 100, whenFull: "refuse" });
    for (let i = 0; i < 100; i++) write(memory, `${i}`, 0, i === 70 ? 10 : 60_000);
    expect(() => write(memory, "new", 1, 10)).toThrow("full");
    write(memory, "new", 20_000, 10);
    expect(memory.size).toBe(100);
  });

  test("keeps nothing of a run that failed on an unknown entity", () => {
    const memory = new Memory();
    const fail = (_p: unknown, _q: unknown, tx: Transaction) => {
      tx.put(CELL, "x", 5);
      tx.rollbackRun();
      throw new Error("a trap");
    };
    expect(() => memory.run("a", 1, fail, undefined, undefined)).toThrow("a trap");
    expect([memory.size, read(memory, "a", 1)]).toEqual([0, undefined]);
  });

  test("takes no capacity that is not a whole number from 1", () => {
    for (const capacity of [0, -1, 1.5, Number.NaN]) expect(() => new Memory({ capacity })).toThrow("capacity");
  });
});
