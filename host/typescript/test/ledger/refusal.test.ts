/** Refusals that need no round trip. */

import { expect, test } from "vitest";
import type { Request } from "../../src/strategies/circuit-breaker/request.js";
import type { CircuitPermit } from "../../src/strategies/circuit-breaker/wit.js";
import { breaker, limit, limiter, refund, tryAcquire, World } from "./world.js";

const TWO = limiter([limit(2, "second")]);
const admit: Request = { kind: "admit" };
const failed = (permit: CircuitPermit): Request => ({
  kind: "failed",
  permit,
  elapsedMs: 0,
  errors: [],
});

async function exhausted(options = {}) {
  const world = new World();
  const host = world.host(options);
  const charges = [await host.decide(TWO, tryAcquire()), await host.decide(TWO, tryAcquire())];
  expect((await host.decide(TWO, tryAcquire())).verdict).toBe("denied");
  return { world, host, charges, commits: () => world.link.commits.length };
}

test("overload does not reach the store, and retry-after goes on counting down", async () => {
  const { world, host, commits } = await exhausted();
  const before = commits();
  const first = await host.decide(TWO, tryAcquire());
  world.pass(40);
  const second = await host.decide(TWO, tryAcquire());
  expect([first.verdict, second.verdict]).toEqual(["denied", "denied"]);
  expect(first.retryAfterMs - second.retryAfterMs).toBe(40);
  expect(commits()).toBe(before);
  expect(host.ledger.stats().local).toBe(2);
});

test("a refusal is told again as it was for a millisecond, unless something has changed", async () => {
  const { world, host, charges } = await exhausted();
  const ask = tryAcquire();
  const first = await host.decide(TWO, ask);
  world.clock.setUs(world.clock.nowUs() + 999);
  host.clock.setUs(host.clock.nowUs() + 999);
  expect(await host.decide(TWO, ask)).toBe(first);
  host.clock.setUs(host.clock.nowUs() + 1);
  world.clock.setUs(world.clock.nowUs() + 1);
  const later = await host.decide(TWO, ask);
  expect(first.retryAfterMs - later.retryAfterMs).toBe(1);
  await host.decide(TWO, refund(1, charges[0]?.chargedAtUs ?? 0));
  expect((await host.decide(TWO, ask)).verdict).toBe("allowed");
});

test("whoever is to be denied is so by the refusal of its first commit, and whoever is to be given something asks again", async () => {
  const world = new World();
  const host = world.host();
  const other = world.host();
  const three = limiter([limit(3, "second")]);
  for (const each of [host, other]) expect((await each.decide(three, tryAcquire())).verdict).toBe("allowed");
  const commits = () => world.link.commits.length;
  const before = commits();
  expect((await host.decide(three, tryAcquire())).verdict).toBe("allowed");
  expect(commits()).toBe(before + 2);
  expect((await other.decide(three, tryAcquire())).verdict).toBe("denied");
  expect(commits()).toBe(before + 3);
  expect((await other.decide(three, tryAcquire())).verdict).toBe("denied");
  expect(commits()).toBe(before + 3);
});

test("what is known is asked for again after a tenth of a second", async () => {
  const { world, host, commits } = await exhausted();
  const before = commits();
  world.pass(99);
  await host.decide(TWO, tryAcquire());
  expect(commits()).toBe(before);
  world.pass(1);
  await host.decide(TWO, tryAcquire());
  expect(commits()).toBe(before + 1);
});

test("a permit that has come back by itself is given at once", async () => {
  const { world, host } = await exhausted();
  const denied = await host.decide(TWO, tryAcquire());
  world.pass(denied.retryAfterMs - 50);
  expect((await host.decide(TWO, tryAcquire())).verdict).toBe("denied");
  world.pass(50);
  expect((await host.decide(TWO, tryAcquire())).verdict).toBe("allowed");
});

test("a refund by this host is noticed at once, one by another within the bound", async () => {
  const { world, host, charges } = await exhausted();
  await host.decide(TWO, refund(1, charges[0]?.chargedAtUs ?? 0));
  expect((await host.decide(TWO, tryAcquire())).verdict).toBe("allowed");
  expect((await host.decide(TWO, tryAcquire())).verdict).toBe("denied");
  await world.host().decide(TWO, refund(1, charges[1]?.chargedAtUs ?? 0));
  expect((await host.decide(TWO, tryAcquire())).verdict).toBe("denied");
  world.pass(100);
  expect((await host.decide(TWO, tryAcquire())).verdict).toBe("allowed");
});

test("with no staleness every refusal is the store's", async () => {
  const { host, commits } = await exhausted({ maxStalenessMs: 0 });
  const before = commits();
  await host.decide(TWO, tryAcquire());
  expect(commits()).toBe(before + 1);
});

test("a cheaper call is not refused because a dearer one was", async () => {
  const world = new World();
  const host = world.host();
  await host.decide(TWO, tryAcquire());
  expect((await host.decide(TWO, tryAcquire(2))).verdict).toBe("denied");
  expect((await host.decide(TWO, tryAcquire())).verdict).toBe("allowed");
});

test("an open circuit fails fast without a round trip until its time is over", async () => {
  const world = new World();
  const host = world.host();
  const policy = breaker({ consecutive: 1 });
  const { permit } = await host.report(policy, admit);
  await host.report(policy, failed(permit));
  expect((await host.report(policy, admit)).effect).toBe("refused-open");
  const before = world.link.commits.length;
  for (let call = 0; call < 5; call++) expect((await host.report(policy, admit)).effect).toBe("refused-open");
  expect(world.link.commits).toHaveLength(before);
  world.pass((await host.report(policy, admit)).retryAfterMs);
  expect((await host.report(policy, admit)).effect).toBe("admitted");
});
