/** What is answered while the store is away. */

import { describe, expect, test } from "vitest";
import { ManualClock } from "../../src/clock.js";
import {
  type CircuitPermit,
  type CircuitWhenAway,
  ConfigError,
  CostNeverFitsError,
  StoreError,
  type WhenAway,
} from "../../src/index.js";
import { Fleet, takeAway } from "./fleet.js";

const day = (limit: number, whenAway: WhenAway) =>
  ({ name: "api", limits: [{ limit, window: "day" }], whenAway }) as const;
const circuit = (whenAway: CircuitWhenAway) =>
  ({ name: "c", trip: { consecutive: 2 }, openMs: 5_000, whenAway }) as const;
const failure = { name: "Error", message: "", code: "" };

async function away() {
  const fleet = new Fleet();
  const host = fleet.host();
  await takeAway(host);
  const back = async () => {
    host.link.isCut = false;
    await fleet.pass(500);
  };
  return { fleet, ...host, back };
}

describe("a limiter", () => {
  test("closed denies, until the next probe", async () => {
    const { fleet, gate } = await away();
    const limiter = gate.rateLimiter(day(10, "closed"));
    const denied = { verdict: "denied", reason: "store-away", degraded: true, chargedAtUs: undefined };
    expect(await limiter.tryAcquire("me")).toMatchObject({ ...denied, retryAfterMs: 500 });
    await fleet.pass(200);
    expect(await limiter.decide("me")).toMatchObject({ ...denied, retryAfterMs: 300 });
    await expect(limiter.acquire("me")).rejects.toMatchObject({ code: "rate-limited", retryAfterMs: 300 });
    expect(gate.stats().degraded).toBe(3);
  });

  test("open admits, and charges when the store is back", async () => {
    const { gate, back } = await away();
    const limiter = gate.rateLimiter(day(10, "open"));
    for (let call = 0; call < 3; call++) {
      const decision = await limiter.tryAcquire("me", { cost: 2 });
      expect(decision).toMatchObject({ verdict: "allowed", degraded: true, chargedAtUs: undefined });
    }
    await limiter.peek("me");
    await back();
    expect(await limiter.peek("me")).toMatchObject({ remaining: 4, degraded: false });
    expect(gate.stats().posted).toBe(6);
  });

  test("what is owed is charged before the next call, in the same commit", async () => {
    const fleet = new Fleet();
    const { gate, link } = fleet.host();
    const limiter = gate.rateLimiter(day(3, "open"));
    await limiter.peek("me");
    link.isCut = true;
    await limiter.tryAcquire("me", { cost: 2 });
    link.isCut = false;
    const sent = link.commits.length;
    expect(await limiter.tryAcquire("me")).toMatchObject({ verdict: "allowed", remaining: 0, degraded: false });
    // What was known is forgotten with the failure, so the first commit may be refused.
    expect(link.commits.length - sent).toBeLessThanOrEqual(2);
    expect((await limiter.tryAcquire("me")).verdict).toBe("denied");
  });

  test("what is owed is charged in the background where the watch never opened", async () => {
    const fleet = new Fleet();
    const { gate, link } = fleet.host();
    const limiter = gate.rateLimiter(day(3, "open"));
    link.isCut = true;
    await limiter.tryAcquire("me");
    await fleet.pass(1_000);
    expect(gate.stats().posted).toBe(0);
    link.isCut = false;
    await fleet.pass(1_000);
    expect(gate.stats().posted).toBe(1);
    expect(fleet.clock.sleepers).toBe(0);
  });

  test("what was given back meanwhile is not charged", async () => {
    const { gate, back } = await away();
    const limiter = gate.rateLimiter(day(10, "open"));
    const decision = await limiter.tryAcquire("me", { cost: 3 });
    await limiter.tryAcquire("me", { cost: 2 });
    expect(await limiter.refund("me", decision, { cost: 3 })).toMatchObject({ degraded: true });
    await back();
    expect((await limiter.peek("me")).remaining).toBe(8);
  });

  test.each<WhenAway>(["open", "closed", { share: 2 }])(
    "what was used is charged when it is back: %o",
    async whenAway => {
      const { gate, back } = await away();
      const limiter = gate.rateLimiter(day(10, whenAway));
      expect(await limiter.charge("me", 4)).toMatchObject({ verdict: "allowed", reason: "none", degraded: true });
      expect(await limiter.charge("me", 30)).toMatchObject({ verdict: "allowed", degraded: true });
      if (typeof whenAway === "object") expect(await limiter.tryAcquire("me")).toMatchObject({ reason: "limit" });
      await back();
      expect(await limiter.peek("me")).toMatchObject({ count: 10, remaining: 0, degraded: false });
    },
  );

  test("what was used is an error too where the store's absence is one", async () => {
    const { gate } = await away();
    await expect(gate.rateLimiter(day(10, "error")).charge("me", 4)).rejects.toThrow(StoreError);
  });

  test("what has left every window by then is not charged", async () => {
    const { fleet, gate, link } = await away();
    const limiter = gate.rateLimiter({ name: "api", limits: [{ limit: 5, window: "second" }], whenAway: "open" });
    await limiter.tryAcquire("me", { cost: 5 });
    await fleet.pass(60_000);
    link.isCut = false;
    await fleet.pass(5_000);
    expect(gate.storeState()).toBe("available");
    expect(await limiter.peek("me")).toMatchObject({ remaining: 5, degraded: false });
  });

  test("more than fits fills the limit up and no more", async () => {
    const { gate, back } = await away();
    const limiter = gate.rateLimiter(day(3, "open"));
    for (let call = 0; call < 8; call++) await limiter.tryAcquire("me");
    await back();
    expect(await limiter.peek("me")).toMatchObject({ verdict: "denied", count: 3, remaining: 0 });
  });

  test("share lets go this host's part, and all parts are within the limit", async () => {
    const fleet = new Fleet();
    const hosts = [1, 2, 3].map(() => fleet.host());
    let admitted = 0;
    for (const host of hosts) {
      await takeAway(host);
      const limiter = host.gate.rateLimiter(day(10, { share: 3 }));
      for (let call = 0; call < 10; call++) {
        const decision = await limiter.tryAcquire("me");
        expect(decision.degraded).toBe(true);
        if (decision.verdict === "allowed") admitted++;
        else expect(decision.reason).toBe("limit");
      }
    }
    expect(admitted).toBe(9);
    for (const { link } of hosts) link.isCut = false;
    await fleet.pass(500);
    // All three post at once, and meet.
    await Promise.all(hosts.map(({ gate }) => gate.flush()));
    const after = hosts[0]?.gate.rateLimiter(day(10, "error"));
    expect(await after?.peek("me")).toMatchObject({ count: 9, remaining: 1 });
  });

  test("shares are kept of no more keys than the host remembers, and others are denied", async () => {
    const host = new Fleet().host({ maxKnown: 2 });
    await takeAway(host);
    const limiter = host.gate.rateLimiter(day(10, { share: 2 }));
    const decisions = await Promise.all(["a", "b", "c", "a"].map(key => limiter.tryAcquire(key)));
    expect(decisions.map(({ verdict }) => verdict)).toEqual(["allowed", "allowed", "denied", "allowed"]);
    expect(decisions[2]).toMatchObject({ reason: "store-away", degraded: true });
  });

  test("a share goes on when a clock that was an hour fast is put right", async () => {
    const fleet = new Fleet();
    const clock = new ManualClock();
    const { gate, link } = fleet.host({ clock });
    const canary = gate.rateLimiter(day(10, "error"));
    const limits = [{ limit: 4, window: "second" }] as const;
    const limiter = gate.rateLimiter({ name: "share", limits, whenAway: { share: 2 } });
    const letGo = async () => {
      const decisions = await Promise.all([1, 2, 3].map(() => limiter.tryAcquire("me")));
      return decisions.filter(({ verdict }) => verdict === "allowed").length;
    };
    await canary.peek("me");
    clock.setUs(clock.nowUs() + 3_600_000_000);
    link.isCut = true;
    expect(await letGo()).toBe(2);
    link.isCut = false;
    // The store's reply says how late it is.
    const atUs = (await canary.peek("me")).atUs;
    expect(atUs).toBe(fleet.clock.nowUs());
    link.isCut = true;
    expect(await letGo()).toBe(0);
    clock.advanceMs(2_000);
    expect(await letGo()).toBe(2);
  });

  test("a share takes a refund, of what it let go only", async () => {
    const { gate, back } = await away();
    const limiter = gate.rateLimiter(day(4, { share: 2 }));
    const first = await limiter.tryAcquire("me", { cost: 2 });
    expect((await limiter.tryAcquire("me")).verdict).toBe("denied");
    await limiter.refund("me", first, { cost: 2 });
    expect((await limiter.tryAcquire("me")).verdict).toBe("allowed");
    await limiter.refund("me", { chargedAtUs: 1 });
    expect((await limiter.tryAcquire("me", { cost: 2 })).verdict).toBe("denied");
    await back();
    expect((await limiter.peek("me")).remaining).toBe(3);
    expect(gate.stats().lost).toBe(0);
  });

  test("a refund of what the store charged is sent when it is back", async () => {
    const fleet = new Fleet();
    const host = fleet.host();
    const limiter = host.gate.rateLimiter(day(10, "closed"));
    const decision = await limiter.tryAcquire("me", { cost: 4 });
    await takeAway(host);
    expect(await limiter.refund("me", decision, { cost: 4 })).toMatchObject({ degraded: true });
    host.link.isCut = false;
    await fleet.pass(500);
    expect((await limiter.peek("me")).remaining).toBe(10);
  });

  test("a refund that was on its way is lost", async () => {
    const fleet = new Fleet();
    const { gate, link } = fleet.host();
    const limiter = gate.rateLimiter(day(10, "closed"));
    const decision = await limiter.tryAcquire("me", { cost: 4 });
    link.isCut = true;
    expect(await limiter.refund("me", decision, { cost: 4 })).toMatchObject({ degraded: true });
    expect(gate.stats().lost).toBe(1);
  });

  test("a cost that is above the share is denied, one above the limit never fits", async () => {
    const { gate, back } = await away();
    const limiter = gate.rateLimiter(day(4, { share: 2 }));
    expect((await limiter.tryAcquire("me", { cost: 3 })).verdict).toBe("denied");
    await back();
    await expect(limiter.tryAcquire("me", { cost: 5 })).rejects.toThrow(CostNeverFitsError);
  });

  test("nobody waits for a share", async () => {
    const { gate } = await away();
    const onLimit = { behavior: "queue", maxSize: 5, timeoutMs: 60_000 } as const;
    const limiter = gate.rateLimiter({ ...day(2, { share: 2 }), onLimit });
    expect((await limiter.decide("me")).verdict).toBe("allowed");
    await expect(limiter.acquire("me")).rejects.toMatchObject({ code: "rate-limited" });
  });

  test("a share of nobody is a problem of the settings", () => {
    const { gate } = new Fleet().host();
    const problem = { problems: [expect.objectContaining({ path: "whenAway.share", value: "0" })] };
    expect(() => gate.rateLimiter(day(4, { share: 0 }))).toThrow(expect.objectContaining(problem));
    expect(() => gate.rateLimiter(day(4, { share: 1.5 }))).toThrow(ConfigError);
  });
});

describe("a circuit", () => {
  const permitOf = ({ permit }: { permit: CircuitPermit | undefined }): CircuitPermit => {
    if (permit === undefined) throw new Error("the call was admitted");
    return permit;
  };

  test("open admits, and its outcomes count nowhere", async () => {
    const { gate, back } = await away();
    const breaker = gate.circuitBreaker(circuit("open"));
    const reports = [await breaker.admit(), await breaker.admit()];
    for (const report of reports) {
      expect(report).toMatchObject({ effect: "admitted", degraded: true });
      const outcome = await breaker.failed(permitOf(report), 1, failure);
      expect(outcome).toMatchObject({ effect: "ignored", degraded: true });
    }
    await back();
    await breaker.failed(permitOf(reports[0] ?? (await breaker.admit())), 1, failure);
    expect(await breaker.status()).toMatchObject({ state: "closed", consecutive: 0, degraded: false });
    expect(gate.stats().lost).toBe(0);
  });

  test("closed refuses, until the next probe", async () => {
    const { gate } = await away();
    const breaker = gate.circuitBreaker(circuit("closed"));
    const refused = { effect: "refused-away", state: "open", degraded: true, retryAfterMs: 500 };
    expect(await breaker.admit()).toMatchObject(refused);
    await expect(breaker.call(() => 1)).rejects.toMatchObject({ code: "circuit-open", retryAfterMs: 500 });
  });

  test.each([undefined, "share", { share: 4 }] as const)("%j works by its rules on this host", async whenAway => {
    const { gate, fleet, link } = await away();
    const { whenAway: _, ...settings } = circuit("error");
    const breaker = gate.circuitBreaker(whenAway === undefined ? settings : { ...settings, whenAway });
    const fail = () =>
      breaker.call(() => Promise.reject(new Error("no"))).catch((error: { code?: string }) => error.code);
    expect([await fail(), await fail(), await fail()]).toEqual([undefined, undefined, "circuit-open"]);
    expect(await breaker.keyed("other").admit()).toMatchObject({ effect: "admitted", degraded: true });
    link.isCut = false;
    await fleet.pass(500);
    expect(await breaker.admit()).toMatchObject({ effect: "admitted", state: "closed", degraded: false });
  });

  test("that is to be an error is one, also for a look, and so are orders", async () => {
    const { gate } = await away();
    expect(await gate.circuitBreaker(circuit("share")).status()).toMatchObject({ state: "closed", degraded: true });
    const strict = gate.circuitBreaker(circuit("error"));
    await expect(strict.admit()).rejects.toMatchObject({ code: "store" });
    await expect(strict.status()).rejects.toMatchObject({ code: "store" });
    await expect(gate.circuitBreaker(circuit("share")).reset()).rejects.toMatchObject({ code: "store" });
  });

  test("takes a share without a number, a limiter does not", () => {
    const { gate } = new Fleet().host();
    const wrong = "share" as unknown as WhenAway;
    expect(() => gate.rateLimiter(day(1, wrong))).toThrow(/whenAway is "share", must be one of "error"/);
    expect(() => gate.circuitBreaker(circuit("shared" as unknown as WhenAway))).toThrow(
      /must be one of "share", "error"/,
    );
  });

  test("an outcome that the store did not hear of is no error, and sent when it is back", async () => {
    const fleet = new Fleet();
    const host = fleet.host();
    const breaker = host.gate.circuitBreaker(circuit("open"));
    const permit = permitOf(await breaker.admit());
    await takeAway(host);
    expect(await breaker.failed(permit, 1, failure)).toMatchObject({ effect: "ignored", degraded: true });
    const strict = host.gate.circuitBreaker(circuit("error"));
    await expect(strict.failed(permit, 1, failure)).rejects.toMatchObject({ code: "store" });
    host.link.isCut = false;
    await fleet.pass(500);
    expect(await breaker.status()).toMatchObject({ state: "closed", consecutive: 1 });
    expect(host.gate.stats().lost).toBe(0);
  });
});
