import { describe, expect, test } from "vitest";
import { cellValue, Entity } from "../../src/transaction/cells.js";
import { Transaction } from "../../src/transaction/transaction.js";
import {
  type At,
  advance,
  type Call,
  get,
  issue,
  KEYS,
  logged,
  NOW_US,
  observe,
  put,
  raise,
  retreat,
  run,
} from "./calls.js";

const CELL: At = [0, 0];
const OTHER: At = [0, 1];
const ok = (number: number) => ({ fits: true, number });
const over = (number: number) => ({ fits: false, number });
const ops = (tx: Transaction) => tx.commit?.ops;
const repeats = (tx: Transaction) => ops(tx)?.map(op => (op.kind === "advance" ? [op.fits, op.repeat] : op.kind));

describe("values", () => {
  test("canonical numbers are numbers and all else is text", () => {
    for (const number of [0, 7, 10, 1_234_567_890_123_456, 2 ** 53 - 1, 2 ** 53]) {
      expect(cellValue(String(number))).toBe(number);
    }
    const texts = [
      "",
      "00",
      "007",
      "+1",
      "-1",
      "1 ",
      "1.0",
      "1e3",
      "0x1",
      "9007199254740993",
      "18446744073709551616",
      "١",
    ];
    for (const text of texts) expect(cellValue(text)).toBe(text);
  });
});

describe("a log", () => {
  test("leaves out reads of what was read or put", () => {
    const tx = logged();
    run(tx, [get(CELL), get(CELL), observe(CELL), put(OTHER, "x"), get(OTHER)]);
    run(tx, [get(CELL), get(OTHER)]);
    expect(ops(tx)).toEqual([
      { kind: "get", cell: 0, expected: undefined },
      { kind: "put", cell: 1, value: "x", ttlMs: 5 },
    ]);
  });

  test("holds the read of a cell that was only observed", () => {
    const tx = logged();
    run(tx, [observe(CELL), observe(CELL), get(CELL)]);
    expect(ops(tx)?.map(op => op.kind)).toEqual(["observe", "get"]);
  });

  test("holds the read of a cell that was moved", () => {
    const tx = logged();
    run(tx, [get(CELL), advance(2, 9), get(CELL)]);
    expect(ops(tx)?.[2]).toEqual({ kind: "get", cell: 0, expected: "2" });
  });

  test("counts runs that advance alike while the verdict is the same", () => {
    const tx = logged();
    const told = [1, 2, 3, 4, 5].map(() => run(tx, [advance(2, 6), observe(OTHER)])[0]);
    expect(told).toEqual([ok(2), ok(4), ok(6), over(6), over(6)]);
    expect(repeats(tx)).toEqual([[true, 3], "observe", [false, 2]]);
    expect(tx.wasTold([0, undefined, 6])).toBe(true);
    expect(tx.wasTold([1, undefined, 6])).toBe(false);
  });

  test("keeps advances with other arguments apart", () => {
    const tx = logged();
    run(tx, [advance(2, 6), advance(1, 6), advance(1, 6), advance(1, 7)]);
    expect(repeats(tx)).toEqual([
      [true, 1],
      [true, 2],
      [true, 1],
    ]);
  });

  test("has no local cells", () => {
    const tx = logged();
    issue(tx, put(CELL, "x"), "local");
    expect(issue(tx, get(CELL), "local")).toBe("x");
    expect(issue(tx, advance(3, 9, OTHER), "local")).toEqual(ok(3));
    expect(ops(tx)).toEqual([]);
    expect(tx.entity(0).shared.isEmpty).toBe(true);
  });

  test("that is refused leaves nothing, and the true values are known", () => {
    const tx = logged();
    tx.entity(0).shared.set(0, 1, NOW_US + 7);
    run(tx, [get(CELL), put(OTHER, "y")]);
    issue(tx, put(CELL, "x"), "local");
    tx.refuse(["4", undefined], NOW_US, Number.POSITIVE_INFINITY);
    expect(ops(tx)).toEqual([]);
    expect(issue(tx, get(CELL), "local")).toBeUndefined();
    expect(run(tx, [get(CELL), get(OTHER)])).toEqual(["4", undefined]);
  });

  test("that is refused keeps the expiry of a known value that was right", () => {
    const tx = logged();
    tx.entity(0).shared.set(0, 1, NOW_US + 7);
    run(tx, [get(CELL), get(OTHER)]);
    tx.refuse(["1", "z"], NOW_US, Number.POSITIVE_INFINITY);
    expect(tx.entity(0).shared.get(0, NOW_US + 7)).toBeUndefined();
    expect(tx.entity(0).shared.get(1, NOW_US + 7)).toBe("z");
  });

  test("is forgotten by a restart, which takes the new time", () => {
    const tx = logged();
    run(tx, [advance(1, 9)]);
    tx.restart(NOW_US + 1);
    expect(ops(tx)).toEqual([]);
    expect([tx.nowUs, tx.commit?.atUs]).toEqual([NOW_US + 1, NOW_US + 1]);
    expect(run(tx, [advance(1, 9)])).toEqual([ok(1)]);
  });
});

/** A log of two runs that the store applied on other numbers, ready to be repeated. */
function replaying(): Transaction {
  const tx = logged();
  run(tx, [get(OTHER), advance(1, 9)]);
  run(tx, [get(OTHER), advance(1, 9)]);
  tx.beginReplay([undefined, 3]);
  return tx;
}

describe("a replay", () => {
  test("answers from what the store knew and applies local changes once", () => {
    const tx = logged();
    run(tx, [advance(1, 9)]);
    expect(issue(tx, advance(1, 9), "local")).toEqual(ok(1));
    expect(tx.wasTold([6])).toBe(false);
    tx.beginReplay([6]);
    expect(run(tx, [advance(1, 9)])).toEqual([ok(7)]);
    expect(issue(tx, advance(1, 9), "local")).toEqual(ok(1));
    expect(tx.replayedAlike).toBe(true);
    expect(tx.entity(0).shared.get(0, NOW_US)).toBe(7);
  });

  test("that issues the same operations is alike", () => {
    const tx = replaying();
    const told = [1, 2].map(() => run(tx, [get(OTHER), advance(1, 9)])[1]);
    expect(told).toEqual([ok(4), ok(5)]);
    expect(tx.replayedAlike).toBe(true);
  });

  const others: [string, Call[]][] = [
    ["none", []],
    ["fewer", [get(OTHER)]],
    ["another step", [advance(2, 9)]],
    ["one more", [advance(1, 9), advance(1, 9)]],
    ["a put", [advance(1, 9), put(OTHER, undefined)]],
    ["a retreat", [retreat(CELL, 1, 0)]],
    ["a raise", [raise(CELL, 1)]],
    ["another entity", [get([1, 0]), advance(1, 9)]],
  ];
  test.each(others)("that issues other operations is not alike: %s", (_, calls) => {
    const tx = replaying();
    run(tx, [get(OTHER), advance(1, 9)]);
    run(tx, calls);
    expect(tx.replayedAlike).toBe(false);
  });

  test("of a run that failed can be repeated", () => {
    const tx = replaying();
    const calls = [get(OTHER), advance(1, 9)];
    run(tx, calls);
    run(tx, calls);
    tx.rollbackRun();
    expect(tx.replayedAlike).toBe(false);
    expect(run(tx, calls)[1]).toEqual(ok(5));
    expect(tx.replayedAlike).toBe(true);
  });

  test.each([[[]], [[undefined]], [[undefined, undefined]]])(
    "with pins that do not fit the log is not alike: %j",
    seen => {
      const tx = logged();
      run(tx, [get(OTHER), advance(1, 9)]);
      tx.beginReplay(seen);
      run(tx, [get(OTHER), advance(1, 9)]);
      expect(tx.replayedAlike).toBe(false);
    },
  );
});

test("an entity that the call is not about reads as absent and is found out", () => {
  const tx = new Transaction();
  tx.beginDirect(NOW_US, new Entity());
  const stranger: At = [1, 0];
  expect(run(tx, [get(stranger), put(stranger, "x"), get(stranger), retreat(stranger, 1, 4)])).toEqual([
    undefined,
    undefined,
    undefined,
    4,
  ]);
  expect(issue(tx, advance(1, 9, stranger))).toEqual(over(0));
  expect(tx.strayed).toBe(true);
  run(tx, [get(CELL)]);
  expect(tx.strayed).toBe(false);
});

test("no number passes what a store can hold", () => {
  const tx = new Transaction();
  tx.beginDirect(NOW_US, new Entity());
  run(tx, [put(CELL, "9007199254740990")]);
  const all = 2 ** 64;
  expect(run(tx, [advance(2, all)])).toEqual([ok(2 ** 53)]);
  expect(run(tx, [advance(1, all)])).toEqual([over(2 ** 53)]);
  expect(run(tx, [advance(all, all)])).toEqual([over(2 ** 53)]);
});

test("a transaction used again holds nothing of its last use", () => {
  const tx = logged();
  run(tx, [advance(1, 9), put(OTHER, "x")]);
  issue(tx, put(CELL, "x"), "local");
  tx.beginLogged(NOW_US, KEYS);
  expect(ops(tx)).toEqual([]);
  expect(run(tx, [get(CELL), get(OTHER)])).toEqual([undefined, undefined]);
  tx.beginDirect(NOW_US, new Entity());
  expect(tx.commit).toBeUndefined();
  expect(run(tx, [get(CELL)])).toEqual([undefined]);
});
