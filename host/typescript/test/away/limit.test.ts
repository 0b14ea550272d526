/** No call waits longer for an answer of the store than one operation may take. */

import { expect, test } from "vitest";
import type { StoreError } from "../../src/index.js";
import { Fleet, settled, takeAway } from "./fleet.js";

const TWO = { name: "api", limits: [{ limit: 2, window: "day" }] } as const;
const reasonOf = (work: Promise<unknown>) =>
  work.then(
    () => "answered",
    (error: StoreError) => error.reason,
  );

test("the time in line behind a batch that hangs is not the store's, and whoever is in line goes next", async () => {
  const fleet = new Fleet();
  const { gate, link } = fleet.host({}, 50);
  const limiter = gate.rateLimiter(TWO);
  await limiter.peek("me");
  link.hold();
  const ended: string[] = [];
  const ask = async (name: string) => void ended.push(`${name} ${await reasonOf(limiter.tryAcquire("me"))}`);
  void ask("first");
  await settled();
  await fleet.pass(30);
  void ask("second");
  await settled();
  await fleet.pass(19);
  expect(ended).toEqual([]);
  await fleet.pass(1);
  expect(ended).toEqual(["first timed-out"]);
  await fleet.pass(49);
  expect(ended).toEqual(["first timed-out"]);
  await fleet.pass(1);
  expect(ended).toEqual(["first timed-out", "second timed-out"]);
});

test("whoever is in line behind a batch that failed is answered when the store answers again", async () => {
  const fleet = new Fleet();
  const { gate, link } = fleet.host({}, 50);
  const limiter = gate.rateLimiter({ name: "api", limits: [{ limit: 1_000, window: "day" }] });
  await limiter.peek("me");
  const release = link.hold();
  const first = reasonOf(limiter.tryAcquire("me"));
  await settled();
  const others = Array.from({ length: 300 }, () => reasonOf(limiter.tryAcquire("me")));
  await fleet.pass(50);
  release();
  expect(await first).toBe("timed-out");
  expect(new Set(await Promise.all(others))).toEqual(new Set(["answered"]));
});

test("what a call was given that had stopped waiting is taken back", async () => {
  const fleet = new Fleet();
  const { gate, link } = fleet.host({}, 50);
  const limiter = gate.rateLimiter(TWO);
  await limiter.peek("me");
  const release = link.hold();
  const late = reasonOf(limiter.tryAcquire("me", { cost: 2 }));
  await settled();
  await fleet.pass(50);
  expect(await late).toBe("timed-out");
  release();
  await gate.flush();
  expect((await limiter.peek("me")).remaining).toBe(2);
});

test("a call that was given up in line leaves no trace", async () => {
  const fleet = new Fleet();
  const { gate, link } = fleet.host({}, 50);
  const limiter = gate.rateLimiter(TWO);
  await limiter.peek("me");
  const release = link.hold();
  const first = reasonOf(limiter.peek("me"));
  await settled();
  const controller = new AbortController();
  const second = limiter.tryAcquire("me", { signal: controller.signal });
  await settled();
  controller.abort("enough");
  await expect(second).rejects.toBe("enough");
  const sent = link.commits.length;
  release();
  await gate.flush();
  expect(await first).toBe("answered");
  expect(link.commits).toHaveLength(sent);
});

test("all in line are answered at once when the store is known to be away", async () => {
  const fleet = new Fleet();
  const { gate, link } = fleet.host({ storeWatch: { failures: 1 } });
  const limiter = gate.rateLimiter(TWO);
  await limiter.peek("me");
  const release = link.hold();
  const first = reasonOf(limiter.tryAcquire("me"));
  await settled();
  const others = Array.from({ length: 300 }, () => reasonOf(limiter.tryAcquire("me")));
  const sent = link.commits.length;
  link.isCut = true;
  release();
  expect(new Set(await Promise.all([first, ...others]))).toEqual(new Set(["away"]));
  expect(link.commits).toHaveLength(sent);
});

test("without a watch all in line end with the batch that failed", async () => {
  const fleet = new Fleet();
  const { gate, link } = fleet.host({ storeWatch: false });
  const limiter = gate.rateLimiter(TWO);
  await limiter.peek("me");
  const release = link.hold();
  const first = reasonOf(limiter.tryAcquire("me"));
  await settled();
  const others = Array.from({ length: 300 }, () => reasonOf(limiter.tryAcquire("me")));
  const sent = link.commits.length;
  link.isCut = true;
  release();
  expect(new Set(await Promise.all([first, ...others]))).toEqual(new Set(["away"]));
  expect(link.commits).toHaveLength(sent);
});

test("a flush does not wait for a store that is away", async () => {
  const fleet = new Fleet();
  const { gate, link } = fleet.host();
  const limiter = gate.rateLimiter(TWO);
  await limiter.peek("me");
  const release = link.hold();
  const first = reasonOf(limiter.tryAcquire("me"));
  await settled();
  const flushed = gate.flush();
  link.isCut = true;
  release();
  await flushed;
  expect(await first).toBe("away");
});

test("a call that is answered in time is not looked at again, and no timer is left", async () => {
  const fleet = new Fleet();
  const { gate } = fleet.host({}, 50);
  const limiter = gate.rateLimiter(TWO);
  expect(await reasonOf(limiter.tryAcquire("me"))).toBe("answered");
  await fleet.pass(50);
  expect(fleet.clock.sleepers).toBe(0);
});

test("outcomes that settle later wait for a store that is known to be away", async () => {
  const fleet = new Fleet();
  const host = fleet.host();
  const trip = { failureRatePercent: 50, minimumCalls: 100 };
  const breaker = host.gate.circuitBreaker({ name: "c", trip, whenAway: "error" });
  const report = await breaker.admit();
  await takeAway(host);
  if (report.permit !== undefined) await breaker.succeeded(report.permit, 1);
  await fleet.pass(20);
  host.link.isCut = false;
  await fleet.pass(480);
  expect(await breaker.status()).toMatchObject({ calls: 1 });
  expect(host.gate.stats()).toMatchObject({ deferred: 1, lost: 0 });
});

test("outcomes that were on their way are lost with the store, and counted", async () => {
  const fleet = new Fleet();
  const { gate, link } = fleet.host();
  const breaker = gate.circuitBreaker({ name: "c", trip: { failureRatePercent: 50 } });
  await breaker.call(() => 1);
  await gate.flush();
  const report = await breaker.admit();
  link.isCut = true;
  if (report.permit !== undefined) await breaker.succeeded(report.permit, 1);
  await gate.flush();
  expect(gate.stats()).toMatchObject({ deferred: 2, lost: 1 });
});
