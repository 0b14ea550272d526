/** Counting what workers of any language tell, by the shape that all agree on. */

import { expect, test } from "vitest";

import type { Event } from "../src/event.js";
import { Tally } from "../src/tally.js";

function tallyOf(lines: readonly string[]): Tally {
  const tally = new Tally();
  for (const line of lines) tally.add(JSON.parse(line) as Event);
  return tally;
}

test("an item counts once, by what became of it", () => {
  const permit = '{"at_us": 7, "waited_us": 8}';
  const tally = tallyOf([
    `{"done": {"item": 1, "permit": ${permit}, "outcome": "passed"}}`,
    `{"done": {"item": 2, "permit": ${permit}, "outcome": {"failed": {"with": "503 Service Unavailable"}}}}`,
    `{"done": {"item": 3, "permit": ${permit}, "outcome": {"failed-fast": "last-answer"}}}`,
    `{"done": {"item": 4, "permit": ${permit}, "outcome": {"failed-fast": "default"}}}`,
    '{"done": {"item": 5, "permit": null, "outcome": "denied"}}',
    '{"done": {"item": 6, "permit": null, "outcome": {"undecided": {"error": "away"}}}}',
    '{"unrecorded": {"error": "still away"}}',
  ]);
  expect([tally.passed, tally.failed, tally.fellBackOnLastAnswer, tally.fellBackOnDefault]).toEqual([1, 1, 1, 1]);
  expect([tally.denied, tally.undecided, tally.unrecorded, tally.done]).toEqual([1, 1, 1, 6]);
  expect([...tally.failures]).toEqual([["503 Service Unavailable", 1]]);
  expect([...tally.permits.keys()]).toEqual([1, 2, 3, 4]);
  expect(tally.lastTrouble).toBe("still away");
});

test("state changes that come out of order are put in order", () => {
  const tally = tallyOf([
    '{"changed": {"at_us": 3, "before": "open", "after": "half-open", "cause": "open-elapsed"}}',
    '{"changed": {"at_us": 1, "before": "closed", "after": "open", "cause": "failures"}}',
    '{"changed": {"at_us": 4, "before": "half-open", "after": "closed", "cause": "probes-succeeded"}}',
  ]);
  expect(tally.changes.map(change => change.at_us)).toEqual([1, 3, 4]);
  expect(tally.circuit).toBe("closed");
});
