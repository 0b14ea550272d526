/** Many who wait on one signal. */

import { setImmediate } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ManualClock, Tidegate } from "../../src/index.js";
import { whenAborted } from "../../src/signal.js";
import { Fleet } from "../away/fleet.js";

const MANY = 40;
const warnings: Error[] = [];
const heard = (warning: Error) => void warnings.push(warning);

beforeEach(() => void process.on("warning", heard));

afterEach(() => {
  process.off("warning", heard);
  warnings.length = 0;
});

/** All end with the signal's reason, and Node has nothing to say. */
async function allGiveUp(controller: AbortController, calls: Promise<unknown>[]): Promise<void> {
  await setImmediate();
  controller.abort("enough");
  const ends = await Promise.allSettled(calls);
  expect(new Set(ends.map(end => (end.status === "rejected" ? end.reason : "answered")))).toEqual(new Set(["enough"]));
  await setImmediate();
  expect(warnings).toEqual([]);
}

describe("many calls that wait on one signal print no warning", () => {
  const signal = () => new AbortController();
  const queue = { behavior: "queue", maxSize: 100, timeoutMs: 60_000 } as const;
  const one = { name: "api", limits: [{ limit: 1, window: "day" }], onLimit: queue } as const;

  test("for a permit", async () => {
    const controller = signal();
    const limiter = new Tidegate({ clock: new ManualClock() }).rateLimiter(one);
    await limiter.acquire("me");
    const ask = () => limiter.acquire("me", { signal: controller.signal });
    await allGiveUp(controller, Array.from({ length: MANY }, ask));
  });

  test("for a shared store", async () => {
    const controller = signal();
    const { gate, link } = new Fleet().host();
    const limiter = gate.rateLimiter({ name: "api", limits: [{ limit: 100, window: "day" }] });
    await limiter.peek("me");
    link.hold();
    const ask = (_: unknown, key: number) => limiter.tryAcquire(`${key}`, { signal: controller.signal });
    await allGiveUp(controller, Array.from({ length: MANY }, ask));
  });

  test("for a guarded call", async () => {
    const controller = signal();
    const breaker = new Tidegate().circuitBreaker({ name: "c", trip: { consecutive: 5 } });
    const call = () => breaker.call(() => new Promise(() => undefined), { signal: controller.signal });
    await allGiveUp(controller, Array.from({ length: MANY }, call));
  });
});

test("who stops waiting is not told, and takes nobody else along", () => {
  const controller = new AbortController();
  const told: string[] = [];
  const tell = (name: string) => () => void told.push(name);
  const forgets = ["a", "b", "c"].map(name => whenAborted(controller.signal, tell(name)));
  forgets[1]?.();
  forgets[1]?.();
  controller.abort();
  expect(told).toEqual(["a", "c"]);
});

test("a signal that nobody waits on has no listener left", () => {
  let listeners = 0;
  const signal = {
    aborted: false,
    reason: undefined,
    addEventListener: () => void listeners++,
    removeEventListener: () => void listeners--,
  };
  for (let round = 0; round < 2; round++) {
    const forgets = [1, 2, 3].map(() => whenAborted(signal, () => undefined));
    expect(listeners).toBe(1);
    for (const forget of forgets) forget();
    expect(listeners).toBe(0);
  }
});
