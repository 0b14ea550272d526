import { describe, expect, it } from "vitest";
import {
  isCostNeverFitsError,
  isRateLimitError,
  ManualClock,
  type RateLimiterConfig,
  Tidegate,
} from "../../../src/index.js";

function open(config: Partial<RateLimiterConfig> = {}) {
  const clock = new ManualClock();
  const gate = new Tidegate({ clock });
  const limits = [{ limit: 2, window: "second", algorithm: { name: "gcra" } }] as const;
  return { clock, gate, limiter: gate.rateLimiter({ name: "api", limits, ...config }) };
}

const queue = { behavior: "queue", maxSize: 2, timeoutMs: 10_000 } as const;

/** Lets all that is ready to run do so. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
}

describe("a rate limiter", () => {
  it("admits up to the limit and says when to come back", async () => {
    const { clock, limiter } = open();
    expect(await limiter.tryAcquire("me")).toMatchObject({ verdict: "allowed", remaining: 1, limit: 2, count: 1 });
    expect(await limiter.tryAcquire("me")).toMatchObject({ verdict: "allowed", remaining: 0 });
    const denied = await limiter.tryAcquire("me");
    expect(denied).toMatchObject({ verdict: "denied", reason: "limit", retryAfterMs: 500, chargedAtUs: undefined });
    clock.advanceMs(denied.retryAfterMs);
    expect(await limiter.tryAcquire("me")).toMatchObject({ verdict: "allowed", atUs: clock.nowUs() });
  });

  it("keeps keys apart", async () => {
    const { limiter } = open();
    await limiter.tryAcquire("me", { cost: 2 });
    expect((await limiter.tryAcquire("me")).verdict).toBe("denied");
    expect((await limiter.tryAcquire("you", { cost: 2 })).verdict).toBe("allowed");
  });

  it("shares its state with limiters of the same name on the same gate", async () => {
    const { gate, limiter } = open();
    await limiter.tryAcquire("me", { cost: 2 });
    expect((await gate.rateLimiter(limiter.config).tryAcquire("me")).verdict).toBe("denied");
  });

  it("peeks without charging, refunds what it charged, and forgets on reset", async () => {
    const { limiter } = open();
    const decision = await limiter.tryAcquire("me", { cost: 2 });
    expect((await limiter.peek("me")).verdict).toBe("denied");
    expect((await limiter.refund("me", decision, { cost: 2 })).remaining).toBe(2);
    await limiter.tryAcquire("me", { cost: 2 });
    await limiter.reset("me");
    expect((await limiter.peek("me")).remaining).toBe(2);
  });

  it("charges what was used beyond the limit, and later calls wait for it", async () => {
    const { clock, limiter } = open();
    const charged = await limiter.charge("me", 5);
    expect(charged).toMatchObject({ verdict: "allowed", reason: "none", count: 5, remaining: 0, degraded: false });
    expect((await limiter.tryAcquire("me")).verdict).toBe("denied");
    clock.advanceMs(charged.retryAfterMs - 1);
    expect((await limiter.tryAcquire("me")).verdict).toBe("denied");
    clock.advanceMs(1);
    expect((await limiter.tryAcquire("me")).verdict).toBe("allowed");
    await expect(limiter.charge("me", -1)).rejects.toThrow("cost is -1, must be a whole number from 0 to 4294967295");
  });

  it("gives a refund of a bucket all that it lacks of the permits", async () => {
    const { gate, clock } = open();
    const limits = [{ limit: 60_000, window: "minute", algorithm: { name: "gcra" } }] as const;
    const limiter = gate.rateLimiter({ name: "bucket", limits });
    await limiter.tryAcquire("me", { cost: 6_000 });
    const decision = await limiter.tryAcquire("me", { cost: 600 });
    expect(decision.fullAtUs).toBe(clock.nowUs() + 6_000_000);
    clock.advanceMs(1_000);
    expect((await limiter.refund("me", decision, { cost: 600 })).count).toBe(5_000);
    await expect(limiter.refund("me", { ...decision, fullAtUs: -1 })).rejects.toThrow("decision.fullAtUs is -1");
  });

  it("denies every call under a limit of 0", async () => {
    const { gate } = open();
    const limiter = gate.rateLimiter({ name: "none", limits: [{ limit: 0, window: "second" }] });
    expect(await limiter.tryAcquire("me", { cost: 3 })).toMatchObject({ reason: "limit", limit: 0, retryAfterMs: 0 });
    await expect(limiter.acquire("me")).rejects.toThrow('rate limiter "none" denied the call (limit)');
  });

  it("rejects an acquire with the decision when it denies", async () => {
    const { limiter } = open();
    await limiter.acquire("me", { cost: 2 });
    const error = await limiter.acquire("me").catch((thrown: unknown) => thrown);
    if (!isRateLimitError(error)) throw error;
    expect(error).toMatchObject({ name: "RateLimitError", code: "rate-limited", limiter: "api", retryAfterMs: 500 });
    expect(error.message).toBe('rate limiter "api" denied the call (limit), retry after 500 ms');
  });

  it("says when a cost can never fit", async () => {
    const { limiter } = open();
    const error = await limiter.tryAcquire("me", { cost: 3 }).catch((thrown: unknown) => thrown);
    expect(isCostNeverFitsError(error) && [error.limiter, error.cost]).toEqual(["api", 3]);
    expect(error).toMatchObject({ binding: 0, limit: 2, count: 0, remaining: 2 });
    const what = 'a cost of 3 can never fit in limits[0] of rate limiter "api", which admits 2 at once; 0 count now';
    expect((error as Error).message).toBe(what);
    expect((await limiter.tryAcquire("me")).verdict).toBe("allowed");
  });

  it("waits for a reserved place with delay", async () => {
    const { clock, limiter } = open({ onLimit: { behavior: "delay", maxWaitMs: 1_000 } });
    await limiter.acquire("me", { cost: 2 });
    const waiting = limiter.acquire("me");
    await settle();
    expect(clock.sleepers).toBe(1);
    clock.advanceMs(500);
    expect(await waiting).toMatchObject({ waitedMs: 500, decision: { verdict: "wait", ticket: undefined } });
    await limiter.acquire("you", { cost: 2 });
  });

  it("waits in a queue, higher priority first", async () => {
    const { clock, limiter } = open({ onLimit: queue });
    await limiter.acquire("me", { cost: 2 });
    const order: string[] = [];
    const low = limiter.acquire("me").then(({ waitedMs }) => order.push(`low after ${waitedMs}`));
    await settle();
    const high = limiter.acquire("me", { priority: 1 }).then(({ waitedMs }) => order.push(`high after ${waitedMs}`));
    for (let step = 0; step < 4; step++) {
      await settle();
      clock.advanceMs(500);
    }
    await Promise.all([low, high]);
    expect(order).toEqual(["high after 500", "low after 1000"]);
  });

  it("decides in steps for those who keep their own timers", async () => {
    const { clock, limiter } = open({ onLimit: queue });
    await limiter.acquire("me", { cost: 2 });
    const first = await limiter.decide("me");
    expect(first).toMatchObject({ verdict: "wait", waitMs: 500, position: 1, waiting: 1 });
    clock.advanceMs(first.waitMs);
    const ticket = first.ticket ?? 0;
    expect(await limiter.decide("me", {}, ticket)).toMatchObject({ verdict: "allowed", ticket: undefined });
    expect(await limiter.cancel("me", ticket)).toBe(false);
    const second = await limiter.decide("me");
    expect(await limiter.cancel("me", second.ticket ?? 0)).toBe(true);
  });
});

describe("an aborted caller", () => {
  it("is refused before anything is charged", async () => {
    const { limiter } = open();
    const reason = new Error("not any more");
    const signal = AbortSignal.abort(reason);
    await expect(limiter.tryAcquire("me", { signal })).rejects.toBe(reason);
    await expect(limiter.acquire("me", { signal })).rejects.toBe(reason);
    await expect(limiter.permit("me", { signal })).rejects.toBe(reason);
    expect((await limiter.peek("me")).remaining).toBe(2);
  });

  it("leaves the queue", async () => {
    const { clock, gate, limiter } = open({ onLimit: queue });
    await limiter.acquire("me", { cost: 2 });
    const controller = new AbortController();
    const waiting = limiter.acquire("me", { signal: controller.signal });
    await settle();
    expect((await limiter.peek("me")).waiting).toBe(1);
    controller.abort("enough");
    await expect(waiting).rejects.toBe("enough");
    await gate.flush();
    expect([(await limiter.peek("me")).waiting, clock.sleepers]).toEqual([0, 0]);
  });

  it("gives a reserved place back", async () => {
    const { gate, limiter } = open({ onLimit: { behavior: "delay", maxWaitMs: 2_000 } });
    await limiter.acquire("me", { cost: 2 });
    const controller = new AbortController();
    const waiting = limiter.acquire("me", { signal: controller.signal });
    await settle();
    expect((await limiter.decide("me")).waitMs).toBe(1_000);
    const other = new AbortController();
    const last = limiter.acquire("me", { signal: other.signal });
    await settle();
    other.abort(new Error("gone"));
    await expect(last).rejects.toThrow("gone");
    await gate.flush();
    expect((await limiter.decide("me")).waitMs).toBe(1_500);
    controller.abort();
    await expect(waiting).rejects.toMatchObject({ name: "AbortError" });
  });

  it("leaves no listener on its signal when it was not aborted", async () => {
    const { clock, limiter } = open({ onLimit: queue });
    await limiter.acquire("me", { cost: 2 });
    let listeners = 0;
    const signal = {
      aborted: false,
      reason: undefined,
      addEventListener: () => listeners++,
      removeEventListener: () => listeners--,
    };
    const waiting = limiter.acquire("me", { signal });
    await settle();
    expect(listeners).toBe(1);
    clock.advanceMs(500);
    await waiting;
    expect(listeners).toBe(0);
  });
});

describe("a permit", () => {
  it("is given back when it is disposed of without being kept", async () => {
    const { limiter } = open();
    const permit = await limiter.permit("me", { cost: 2 });
    expect((await limiter.peek("me")).remaining).toBe(0);
    await permit[Symbol.asyncDispose]();
    await permit.refund();
    expect((await limiter.peek("me")).remaining).toBe(2);
  });

  it("is spent when it is kept", async () => {
    const { limiter } = open();
    const permit = await limiter.permit("me", { cost: 2 });
    permit.keep();
    await permit[Symbol.asyncDispose]();
    expect((await limiter.peek("me")).remaining).toBe(0);
  });
});

describe("a wrapped function", () => {
  it("acquires by the key of its arguments, and keeps its types", async () => {
    const { limiter } = open();
    const double = limiter.wrap((_user: string, value: number) => value * 2, { key: (user, _value) => user });
    const four: number = await double("me", 2);
    expect(four).toBe(4);
    await double("me", 3);
    await expect(double("me", 4)).rejects.toSatisfy(isRateLimitError);
    expect(await double("you", 4)).toBe(8);
  });
});
