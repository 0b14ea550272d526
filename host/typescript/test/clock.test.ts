import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { SystemClock, Tidegate } from "../src/index.js";

afterEach(() => vi.restoreAllMocks());

/**
 * A monotonic clock and a time of day, moved by hand: ahead of what the process' one clock has
 * shown, and for all tests.
 */
const at = { steadyMs: performance.now() + 10_000, dayMs: Date.now() + 100_000_000 };

function pass(ms: number): void {
  at.steadyMs += ms;
  at.dayMs += ms;
}

beforeEach(() => {
  vi.spyOn(performance, "now").mockImplementation(() => at.steadyMs);
  vi.spyOn(Date, "now").mockImplementation(() => at.dayMs);
});

test("the time is exact below a millisecond from the start, though the time of day is told in whole ones", async () => {
  vi.resetModules();
  const { SystemClock } = await import("../src/clock.js");
  vi.spyOn(performance, "timeOrigin", "get").mockReturnValue(1_700_000_000_000.875);
  at.steadyMs = 20_000;
  at.dayMs = 1_700_000_020_000;
  expect(new SystemClock().nowUs()).toBe(1_700_000_020_000_875);
});

test("a time of day that is set back an hour goes on, and what it limits recovers", async () => {
  const clock = new SystemClock();
  const gate = new Tidegate({ clock });
  const limiter = gate.rateLimiter({ name: "api", limits: [{ limit: 1, window: "second" }] });
  const breaker = gate.circuitBreaker({ name: "b", trip: { consecutive: 1 }, openMs: 500 });
  const before = clock.nowUs();
  expect((await limiter.tryAcquire("k")).verdict).toBe("allowed");
  await breaker.call(() => Promise.reject(new Error("down"))).catch(() => {});
  at.dayMs -= 3_600_000;
  pass(3_000);
  expect(clock.nowUs() - before).toBeCloseTo(3_000_000, -1);
  expect((await limiter.tryAcquire("k")).verdict).toBe("allowed");
  expect((await breaker.status()).state).toBe("half-open");
});

test("a time of day that is set forward is followed within a second", () => {
  const clock = new SystemClock();
  pass(1_000);
  clock.nowUs();
  at.dayMs += 7_200_000;
  pass(1_000);
  expect(clock.nowUs()).toBeGreaterThan((at.dayMs - 2) * 1_000);
});
