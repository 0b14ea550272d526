/** What a summary must say of any run in which the store and all workers stayed. */

import { expect } from "vitest";

import type { Summary, Transition } from "../src/summary.js";

/** The numbers agree with each other, and the limit was kept. */
export function addsUp({ items, fallback, limiter, server }: Summary): void {
  expect(items.passed + items.failed + items.failed_fast + items.denied).toBe(items.asked);
  expect([items.undecided, items.lost]).toEqual([0, 0]);
  expect(sum(Object.values(items.failures))).toBe(items.failed);
  expect(fallback.last_answer + fallback.default).toBe(items.failed_fast);
  expect([server.answered_well, server.answered_503]).toEqual([items.passed, items.failed]);
  expect(sum(server.per_second.map(second => second.answered_well + second.answered_503))).toBe(server.seen);
  expect(limiter.let_go).toBe(items.asked - items.denied);
  expect(limiter.most_in_any_second).toBeLessThanOrEqual(limiter.limit);
  expect(server.most_in_promised_span).toBeLessThanOrEqual(limiter.limit);
}

/** The circuit opened, was probed and closed, each state following from the one before. */
export function openedAndClosed(transitions: readonly Transition[]): void {
  const states = ["closed", ...transitions.map(change => change.after)];
  expect(transitions.map(change => change.before)).toEqual(states.slice(0, -1));
  const times = transitions.map(change => change.at_ms);
  expect(times).toEqual([...times].sort((one, other) => one - other));
  const changes = transitions.map(change => `${change.before} -> ${change.after}`);
  expect(changes).toEqual(expect.arrayContaining(["closed -> open", "open -> half-open", "half-open -> closed"]));
  expect(states.at(-1)).toBe("closed");
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
