/** Settings are plain data, and errors keep their fields. */

import { describe, expect, it } from "vitest";
import * as tidegate from "../../src/index.js";
import { ManualClock, Tidegate } from "../../src/index.js";

const LIMITER = { name: "l", limits: [{ limit: 1, window: "day" }] } as const;
const BREAKER = { name: "b", trip: { consecutive: 1 }, monitored: [TypeError], countRefusals: true };

describe("the settings of a handle", () => {
  const gate = new Tidegate();

  it.each([
    ["limiter", gate.rateLimiter(LIMITER).config],
    ["circuit breaker", gate.circuitBreaker(BREAKER).config],
  ])("of a %s can be cloned, and written as JSON and read", (_, config) => {
    expect(structuredClone(config)).toEqual(config);
    expect(JSON.parse(JSON.stringify(config))).toEqual(config);
  });

  it("are not the caller's, who may go on to change them", () => {
    const mine = { name: "b", trip: { consecutive: 1 }, monitored: [{ pattern: "x" }] };
    const { config } = gate.circuitBreaker(mine);
    mine.monitored[0] = { pattern: "y" };
    expect(config.monitored).toEqual([{ pattern: "x" }]);
  });
});

describe("an error", () => {
  /** What a limiter and a circuit that refuse throw. */
  async function refusals(): Promise<object[]> {
    const gate = new Tidegate({ clock: new ManualClock() });
    const limiter = gate.rateLimiter(LIMITER);
    const breaker = gate.circuitBreaker(BREAKER);
    await limiter.acquire("me");
    await breaker.call(() => Promise.reject(new TypeError("x"))).catch(() => undefined);
    return Promise.all([limiter.acquire("me").catch(error => error), breaker.call(() => 1).catch(error => error)]);
  }

  it("keeps its name, its code and its fields as JSON, as a log writes them", async () => {
    const [denied, refused] = (await refusals()).map(error => JSON.parse(JSON.stringify(error)));
    expect(denied).toMatchObject({
      name: "RateLimitError",
      code: "rate-limited",
      limiter: "l",
      decision: { limit: 1 },
    });
    expect(refused).toMatchObject({
      name: "CircuitOpenError",
      code: "circuit-open",
      circuit: "b",
      report: { state: "open" },
    });
    expect({ ...new tidegate.CallTimeoutError(5) }).toMatchObject({
      name: "CallTimeoutError",
      code: "call-timed-out",
      timeoutMs: 5,
    });
  });
});
