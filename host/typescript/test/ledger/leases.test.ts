/** Leases: permits that a host has charged in advance and spends without a round trip. */

import { setImmediate } from "node:timers/promises";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { LimiterPolicy } from "../../src/strategies/rate-limiter/request.js";
import type { WitAlgorithm } from "../../src/strategies/rate-limiter/wit.js";
import { ALGORITHMS, type Host, limit, limiter, peek, refund, tryAcquire, World } from "./world.js";

const LEASE = { maxPermits: 16, lifeMs: 500 };
const HUNDRED = limiter([limit(100, "minute")], undefined, LEASE);

/** What each call in a row was, and how many commits it took. */
async function spend(world: World, host: Host, calls: number, policy: LimiterPolicy = HUNDRED) {
  const before = world.link.commits.length;
  const decisions = [];
  for (let call = 0; call < calls; call++) decisions.push(await host.decide(policy, tryAcquire()));
  return { decisions, commits: world.link.commits.length - before };
}

test("what a lease holds costs no round trip, and each that was spent in time doubles the next", async () => {
  const world = new World();
  const host = world.host();
  const { decisions, commits } = await spend(world, host, 1 + 2 + 4 + 8 + 16);
  expect(commits).toBe(5);
  expect(decisions.every(({ verdict }) => verdict === "allowed")).toBe(true);
  const taken = decisions.flatMap(({ leased }, call) => (leased ? [] : [call]));
  expect(taken).toEqual([0, 1, 3, 7, 15]);
  expect(decisions[15]).toMatchObject({ leased: false, releaseAfterMs: 500 });
  expect(decisions[16]).toMatchObject({ leased: true, releaseAfterMs: 0, remaining: 14 });
  expect(host.ledger.stats().leased).toBe(1 + 3 + 7 + 15);
  // One is waited for, to be given back.
  expect(world.sleepers).toBe(1);
});

test("what is left of a lease is given back when it is over", async () => {
  const world = new World();
  const host = world.host();
  await spend(world, host, 9);
  const other = world.host();
  expect((await other.decide(HUNDRED, peek())).count).toBe(15);
  world.pass(500);
  await setImmediate();
  world.pass(1_000);
  expect((await other.decide(HUNDRED, peek())).count).toBe(9);
  expect(world.sleepers).toBe(0);
});

test("a flush gives back what is left", async () => {
  const world = new World();
  const host = world.host();
  await spend(world, host, 9);
  await host.ledger.flush();
  expect((await world.host().decide(HUNDRED, peek())).count).toBe(9);
  const { commits } = await spend(world, host, 1);
  expect(commits).toBeGreaterThan(0);
});

test("a host that dies strands no more than it held", async () => {
  const world = new World();
  await spend(world, world.host(), 9);
  const other = world.host();
  let admitted = 0;
  for (let call = 0; call < 200; call++) {
    if ((await other.decide(HUNDRED, tryAcquire())).verdict === "allowed") admitted++;
  }
  expect(admitted).toBe(100 - 15);
});

test("calls that meet line up for one lease, and one batch spends it", async () => {
  const world = new World();
  const host = world.host();
  await spend(world, host, 7);
  const before = world.link.commits.length;
  const decisions = await Promise.all(Array.from({ length: 8 }, () => host.decide(HUNDRED, tryAcquire())));
  expect(decisions.map(({ leased }) => leased)).toEqual([false, ...Array.from({ length: 7 }, () => true)]);
  expect(world.link.commits.length - before).toBe(1);
});

test("while a batch is on its way the lease is that batch's", async () => {
  const world = new World();
  const host = world.host();
  const { decisions } = await spend(world, host, 7);
  world.pass(1);
  await spend(world, host, 1);
  const release = world.link.hold();
  // Charged before the lease, so it goes to the store.
  const back = host.decide(HUNDRED, refund(1, decisions[0]?.chargedAtUs ?? 0));
  await setImmediate();
  let isAnswered = false;
  const asks = host.decide(HUNDRED, tryAcquire()).finally(() => {
    isAnswered = true;
  });
  await setImmediate();
  expect(isAnswered).toBe(false);
  release();
  await back;
  expect(await asks).toMatchObject({ leased: true, remaining: 6 });
  await host.ledger.flush();
  expect((await world.host().decide(HUNDRED, peek())).count).toBe(7 + 2 - 1);
});

test("a refund goes back into the lease while it runs, without a round trip", async () => {
  const world = new World();
  const host = world.host();
  const { decisions } = await spend(world, host, 9);
  const last = decisions.at(-1);
  const before = world.link.commits.length;
  await host.decide(HUNDRED, refund(1, last?.chargedAtUs ?? 0));
  expect(await host.decide(HUNDRED, tryAcquire())).toMatchObject({ leased: true, remaining: last?.remaining });
  expect(world.link.commits).toHaveLength(before);
});

test("a lease whose commit got lost is not kept, nor the one before it", async () => {
  const world = new World();
  const host = world.host();
  await spend(world, host, 7);
  world.link.failNext(1, "away");
  await expect(host.decide(HUNDRED, tryAcquire())).rejects.toMatchObject({ code: "store" });
  const next = await host.decide(HUNDRED, tryAcquire());
  expect(next).toMatchObject({ verdict: "allowed", leased: false, count: 8, releaseAfterMs: 0 });
});

test("a lease is spent also while the store is away", async () => {
  const world = new World();
  const host = world.host();
  await spend(world, host, 8);
  world.link.isCut = true;
  for (let failure = 0; failure < 3; failure++) await host.decide(HUNDRED, peek(), "other").catch(() => undefined);
  expect(host.ledger.storeState).toBe("away");
  const { decisions } = await spend(world, host, 7);
  expect(decisions.every(({ leased }) => leased)).toBe(true);
  await expect(host.decide(HUNDRED, tryAcquire())).rejects.toMatchObject({ code: "store" });
});

test("a caller who is gone before the answer gives its permit back into the lease", async () => {
  const world = new World();
  const host = world.host();
  await spend(world, host, 7);
  const release = world.link.hold();
  const first = host.decide(HUNDRED, tryAcquire());
  const controller = new AbortController();
  const second = host.decide(HUNDRED, tryAcquire(), "k", controller.signal);
  await setImmediate();
  controller.abort(new Error("gone"));
  await expect(second).rejects.toThrow("gone");
  release();
  await first;
  await setImmediate();
  expect(await host.decide(HUNDRED, tryAcquire())).toMatchObject({ leased: true, remaining: 6 });
});

test("a refusal takes no lease and is told without a round trip", async () => {
  const world = new World();
  const host = world.host();
  await spend(world, host, 100);
  const { decisions, commits } = await spend(world, host, 5);
  expect(decisions.every(({ verdict }) => verdict === "denied")).toBe(true);
  expect(commits).toBeLessThanOrEqual(1);
  expect((await world.host().decide(HUNDRED, peek())).count).toBe(100);
});

test("lanes whose leases are long over make room for others", async () => {
  const world = new World();
  const host = world.host({ maxKnown: 4 });
  for (let key = 0; key < 40; key++) {
    for (let call = 0; call < 3; call++) await host.decide(HUNDRED, tryAcquire(), `${key}`);
    world.pass(5_000);
    await setImmediate();
  }
  expect(host.ledger.known).toBeLessThanOrEqual(12);
});

/** How many calls of this limit may be let go in any window: A(W). */
function promise({ tag, ...rest }: WitAlgorithm, most: number): number {
  const { burst = most } = (rest as { val?: { burst?: number | undefined } }).val ?? {};
  if (tag === "gcra" || tag === "token-bucket") return burst + most;
  return tag === "fixed-window" || tag === "sliding-window-counter" ? 2 * most : most;
}

const MOST = 40;
const WINDOW_MS = 1_000;
const steps = fc.array(
  fc.record({
    host: fc.nat(2),
    calls: fc.integer({ min: 1, max: 12 }),
    cost: fc.integer({ min: 1, max: 3 }),
    pauseMs: fc.oneof(fc.constant(0), fc.nat(30), fc.nat(400)),
  }),
  { maxLength: 60 },
);

test.each(ALGORITHMS)("$tag holds its promise for the calls let go by several hosts", async algorithm => {
  const policy = limiter([limit(MOST, "second", algorithm)], undefined, { maxPermits: 8, lifeMs: 60 });
  let leased = 0;
  const letGo = async (steps: readonly { host: number; calls: number; cost: number; pauseMs: number }[]) => {
    const world = new World();
    const hosts = [world.host(), world.host(), world.host()];
    const passed: { atMs: number; cost: number }[] = [];
    for (const { host, calls, cost, pauseMs } of steps) {
      for (let call = 0; call < calls; call++) {
        const { verdict } = await (hosts[host] as Host).decide(policy, tryAcquire(cost));
        if (verdict === "allowed") passed.push({ atMs: world.clock.nowUs() / 1_000, cost });
      }
      world.pass(pauseMs);
      await setImmediate();
    }
    leased += hosts.reduce((sum, { ledger }) => sum + ledger.stats().leased, 0);
    return passed;
  };
  await fc.assert(
    fc.asyncProperty(steps, async steps => {
      const passed = await letGo(steps);
      for (const { atMs } of passed) {
        const window = passed.filter(other => other.atMs >= atMs && other.atMs < atMs + WINDOW_MS);
        const sum = window.reduce((total, { cost }) => total + cost, 0);
        expect(sum).toBeLessThanOrEqual(promise(algorithm, MOST));
      }
    }),
    { numRuns: 25 },
  );
  // Where nothing is ever leased, nothing was shown.
  if (promise(algorithm, MOST) !== 8 + MOST) expect(leased).toBeGreaterThan(0);
});
