import { describe, expect, test, vi } from "vitest";
import { type Forgotten, ManualClock, Memory, type MemoryOptions, Tidegate } from "../../src/index.js";

function bench(options: MemoryOptions) {
  const [clock, memory] = [new ManualClock(), new Memory(options)];
  const gate = new Tidegate({ store: memory, clock });
  const limiter = gate.rateLimiter({ name: "api", limits: [{ limit: 100, window: "minute" }] });
  return { clock, memory, gate, limiter };
}

describe("a memory store that is full", () => {
  test("serves a flood of made-up keys and forgets nobody who counts more", async () => {
    const { memory, limiter, gate } = bench({ capacity: 2_000 });
    const regulars = Array.from({ length: 1_000 }, (_, i) => `regular ${i}`);
    for (const key of regulars) await limiter.tryAcquire(key, { cost: 50 });
    for (let i = 0; i < 8_000; i++) expect((await limiter.tryAcquire(`made up ${i}`)).verdict).toBe("allowed");
    for (const key of regulars) expect((await limiter.peek(key)).count).toBe(50);
    expect(memory.size).toBe(2_000);
    expect(memory.forgotten).toEqual({ entities: 7_000, permits: 7_000 });
    expect(gate.stats().forgotten).toBe(7_000);
  });

  test("keeps an open circuit", async () => {
    const { gate, limiter } = bench({ capacity: 10 });
    const breaker = gate.circuitBreaker({ name: "payments", trip: { consecutive: 1 }, openMs: 60_000 });
    await breaker.call(() => Promise.reject(new Error("down"))).catch(() => {});
    for (let i = 0; i < 1_000; i++) await limiter.tryAcquire(`made up ${i}`, { cost: 99 });
    expect((await breaker.status()).state).toBe("open");
  });

  test("tells its listener at once and then at most once a second, and goes on though it throws", async () => {
    const told: Forgotten[] = [];
    const logged = vi.spyOn(console, "error").mockImplementation(() => {});
    const onForgotten = (forgotten: Forgotten) => {
      told.push(forgotten);
      throw new Error("a listener's own fault");
    };
    const { clock, limiter } = bench({ capacity: 10, onForgotten });
    const flood = async (name: string) => {
      for (let i = 0; i < 100; i++) await limiter.tryAcquire(`${name} ${i}`);
    };
    await flood("first");
    expect(told.length).toBe(1);
    clock.advanceMs(1_000);
    await flood("second");
    expect(told.length).toBe(2);
    expect(logged).toHaveBeenCalledOnce();
    logged.mockRestore();
  });

  test("turns newcomers away where the settings say so", async () => {
    const { memory, limiter } = bench({ capacity: 1, whenFull: "refuse" });
    await limiter.tryAcquire("first");
    await expect(limiter.tryAcquire("second")).rejects.toMatchObject({ code: "store", reason: "full" });
    expect(memory.forgotten).toEqual({ entities: 0, permits: 0 });
  });

  test("admits no more too much than counted in what was forgotten", async () => {
    const seed = Number(process.env["TIDEGATE_SEED"] ?? Date.now());
    const random = numbersOf(seed);
    const [clock, memory] = [new ManualClock(0), new Memory({ capacity: 40 })];
    const gate = new Tidegate({ store: memory, clock });
    const limiter = gate.rateLimiter({ name: "api", limits: [{ limit: 5, window: "second" }] });
    const admitted = Array.from({ length: 200 }, (): number[] => []);
    for (let call = 0; call < 10_000; call++) {
      clock.advanceMs(random(4));
      const key = Math.min(random(200), random(200));
      if ((await limiter.tryAcquire(`${key}`)).verdict === "allowed") admitted[key]?.push(clock.nowUs());
    }
    const tooMany = admitted.map(times => excess(times, 5)).reduce((sum, one) => sum + one, 0);
    expect(tooMany, `replay: TIDEGATE_SEED=${seed}`).toBeLessThanOrEqual(memory.forgotten.permits);
    expect(memory.forgotten.entities).toBeGreaterThan(0);
  });
});

/** By how many permits the most in any second were over the limit. */
function excess(times: readonly number[], limit: number): number {
  const inWindow = times.map((end, last) => times.slice(0, last + 1).filter(time => time + 1_000_000 > end).length);
  return Math.max(0, ...inWindow.map(count => count - limit));
}

/** Numbers of a seed: mulberry32 (Ettinger, 2017). */
function numbersOf(seed: number): (bound: number) => number {
  let state = seed >>> 0;
  return bound => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % bound;
  };
}
