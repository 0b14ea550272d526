/** Counting, on numbers that are easy to check. */

import { expect, test } from "vitest";

import { mostInAny, percentile, perSecond } from "../src/summary.js";

const SECOND_US = 1_000_000;

test("counts the busiest second wherever it begins", () => {
  expect(mostInAny(SECOND_US, [2_400_000, 900_000, 1_000_000, 1_899_999, 1_900_000])).toBe(3);
  expect(mostInAny(0, [7, 7, 8])).toBe(2);
  expect(mostInAny(SECOND_US, [])).toBe(0);
});

test("percentiles are values that happened", () => {
  const waits = Array.from({ length: 200 }, (_, index) => index + 1);
  expect([50, 99, 100].map(percent => percentile(waits, percent))).toEqual([100, 198, 200]);
  expect(percentile([7], 99)).toBe(7);
  expect(percentile([], 50)).toBeNull();
});

test("seconds without requests are kept", () => {
  const requests = [
    { atUs: 10, item: null, isGood: true },
    { atUs: 2_500_000, item: null, isGood: false },
    { atUs: 2_600_000, item: null, isGood: true },
  ];
  const counts = perSecond(requests, 10).map(second => [second.answered_well, second.answered_503]);
  expect(counts).toEqual([
    [1, 0],
    [0, 0],
    [1, 1],
  ]);
});
