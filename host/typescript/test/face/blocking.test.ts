import { expect, it } from "vitest";
import { blocking, isCircuitOpenError, isMisuseError, ManualClock, Memory, Tidegate } from "../../src/index.js";

const limits = [{ limit: 2, window: "second", algorithm: { name: "gcra" } }] as const;

it("decides at once and shares a memory with the other face", async () => {
  const [clock, store] = [new ManualClock(), new Memory()];
  const now = new blocking.Tidegate({ clock, store }).rateLimiter({ name: "api", limits });
  const later = new Tidegate({ clock, store }).rateLimiter({ name: "api", limits });
  const decision = now.tryAcquire("me");
  expect(decision.remaining).toBe(1);
  expect((await later.tryAcquire("me")).remaining).toBe(0);
  expect(now.peek("me").verdict).toBe("denied");
  expect(now.refund("me", decision).remaining).toBe(1);
  expect(now.charge("you", 9)).toMatchObject({ verdict: "allowed", remaining: 0 });
  expect(now.tryAcquire("you").verdict).toBe("denied");
  now.reset("me");
  expect((await later.peek("me")).remaining).toBe(2);
});

it("steps through a queue", () => {
  const clock = new ManualClock();
  const onLimit = { behavior: "queue", maxSize: 1, timeoutMs: 5_000 } as const;
  const limiter = new blocking.Tidegate({ clock }).rateLimiter({ name: "api", limits, onLimit });
  limiter.decide("me", { cost: 2 });
  const { ticket, waitMs } = limiter.decide("me");
  clock.advanceMs(waitMs);
  expect(limiter.decide("me", {}, ticket).verdict).toBe("allowed");
  expect(limiter.cancel("me", ticket ?? 0)).toBe(false);
});

it("guards calls", () => {
  const clock = new ManualClock();
  const breaker = new blocking.Tidegate({ clock }).circuitBreaker({ name: "c", trip: { consecutive: 1 } });
  expect(breaker.call(() => 5)).toBe(5);
  const failing = () => {
    throw new Error("down");
  };
  expect(() => breaker.call(failing)).toThrow("down");
  expect(() => breaker.call(() => 5)).toThrow(expect.toSatisfy(isCircuitOpenError) as never);
  expect(breaker.reset().state).toBe("closed");
  expect(breaker.setMode("disabled").mode).toBe("disabled");
  const permit = breaker.admit().permit;
  if (permit === undefined) throw new Error("it is admitted");
  expect(breaker.cancelled(permit).effect).toBe("ignored");
  expect(breaker.status().mode).toBe("disabled");
});

it("takes the memory store only", () => {
  const store = { commit() {} };
  try {
    new blocking.Tidegate({ store: store as never });
  } catch (error) {
    expect(isMisuseError(error)).toBe(true);
    return;
  }
  throw new Error("it was taken");
});
