/**
 * Successes of a closed circuit on a shared store: none waits for a commit, and none is forgotten
 * because its host knows of no failure.
 */

import { setImmediate } from "node:timers/promises";
import { expect, test } from "vitest";
import type { Request } from "../../src/strategies/circuit-breaker/request.js";
import type { WitReport } from "../../src/strategies/circuit-breaker/wit.js";
import { breaker, World } from "./world.js";

const row = breaker({ consecutive: 5 });
const admit: Request = { kind: "admit" };
const succeeded = (report: WitReport): Request => ({ kind: "succeeded", permit: report.permit, elapsedMs: 0 });
const failed = (report: WitReport): Request => ({ kind: "failed", permit: report.permit, elapsedMs: 0, errors: [] });

test("a success ends a row of failures that its host has not heard of", async () => {
  const world = new World();
  const [here, there] = [world.host(), world.host()];
  const admitted = await here.report(row, admit);
  for (let i = 0; i < 4; i++) await there.record(row, failed(await there.report(row, admit)));
  const release = world.link.hold();
  await here.record(row, succeeded(admitted));
  release();
  await here.ledger.flush();
  await there.record(row, failed(await there.report(row, admit)));
  expect(await world.host().report(row, { kind: "status" })).toMatchObject({ state: "closed", consecutive: 1 });
});

test("many that change nothing go out as one, in time and not with each admission", async () => {
  const world = new World();
  const host = world.host();
  for (let i = 0; i < 10; i++) await host.record(row, succeeded(await host.report(row, admit)));
  expect(world.link.commits.length).toBe(10);
  world.pass(20);
  await setImmediate();
  expect(world.link.commits.length).toBe(11);
  await host.ledger.flush();
  expect(world.link.commits.length).toBe(11);
});

test("one that changes nothing is recorded before a failure that came after it", async () => {
  const world = new World();
  const [here, there] = [world.host(), world.host()];
  const [admitted, next] = [await here.report(row, admit), await here.report(row, admit)];
  for (let i = 0; i < 4; i++) await there.record(row, failed(await there.report(row, admit)));
  await here.record(row, succeeded(admitted));
  await here.record(row, failed(next));
  expect(await there.report(row, { kind: "status" })).toMatchObject({ state: "closed", consecutive: 1 });
});
