/** How many commits are on their way at once. */

import { expect, test } from "vitest";
import { Pace } from "../../src/ledger/pace.js";

const MS = 1_000;

/** This many commits at once, each answered after this many milliseconds, over and over. */
function rounds(pace: Pace, count: number, tripMs: number, startUs = 0): number {
  let nowUs = startUs;
  for (let round = 0; round < count; round++) {
    nowUs += tripMs * MS;
    const { window } = pace;
    for (let commit = 0; commit < window; commit++) pace.begin();
    for (let commit = 0; commit < window; commit++) {
      pace.answered(nowUs, tripMs * MS);
      pace.end();
    }
  }
  return nowUs;
}

test("widens again where the store answers soon, to a bound", () => {
  const pace = new Pace(250);
  pace.failed(250 * MS, 250 * MS);
  expect(pace.window).toBe(64);
  const nowUs = rounds(pace, 1, 1, 250 * MS);
  expect(pace.window).toBeGreaterThan(64);
  rounds(pace, 1_000, 1, nowUs);
  expect(pace.window).toBe(256);
});

test("does not widen where it is not used up", () => {
  const pace = new Pace(250);
  pace.failed(250 * MS, 250 * MS);
  for (let commit = 0; commit < 10_000; commit++) {
    pace.begin();
    pace.answered((300 + commit) * MS, MS);
    pace.end();
  }
  expect(pace.window).toBe(64);
});

test("is halved once a trip where answers are late, to a bound", () => {
  const pace = new Pace(250);
  const nowUs = rounds(pace, 1, 1);
  rounds(pace, 1, 100, nowUs);
  expect(pace.window).toBe(128);
  rounds(pace, 100, 100, nowUs + 100 * MS);
  expect(pace.window).toBe(32);
});

test("does not take a store that is far away for one that is slow", () => {
  const pace = new Pace(250);
  rounds(pace, 10, 100);
  expect(pace.window).toBe(256);
});

test("is quartered once by all that ends without an answer", () => {
  const pace = new Pace(250);
  for (let commit = 0; commit < 256; commit++) pace.failed(250 * MS, 250 * MS);
  expect(pace.window).toBe(64);
});
