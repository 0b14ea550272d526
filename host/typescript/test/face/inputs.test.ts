/** One text, one answer: the table that the tests of all languages read. */

import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { Tidegate as Blocking } from "../../src/blocking.js";
import { isConfigError, isRateLimitError, ManualClock, Memory, Tidegate } from "../../src/index.js";
import { MemoryStore } from "../../src/store/memory-store.js";

interface Inputs {
  settings: [text: string, path: string | null][];
  calls: { key: unknown; cost: unknown; path: string | null; allowed: string | null }[];
}

const table = new URL("../../../../tests/conformance/inputs.json", import.meta.url);
const { settings, calls }: Inputs = JSON.parse(readFileSync(table, "utf8"));

/** What is wrong with a call. One that was denied is sound. */
function problemOf(error: unknown) {
  if (isRateLimitError(error)) return undefined;
  if (!isConfigError(error)) throw error;
  return error.problems[0];
}

it.each(settings)("settings %s: %s", (text, path) => {
  let found: string | null = null;
  try {
    new Tidegate().rateLimiter(JSON.parse(text));
  } catch (error) {
    found = problemOf(error)?.path ?? null;
  }
  expect(found).toBe(path);
});

it.each(calls)("a call of $cost for $key: $path", async ({ key, cost, path, allowed }) => {
  const config = { name: "api", limits: [{ limit: 4_294_967_295, window: "day" }] } as const;
  const [limiter, now] = [new Tidegate().rateLimiter(config), new Blocking().rateLimiter(config)];
  const asks = [
    () => limiter.tryAcquire(key as string, { cost: cost as number }),
    () => limiter.acquire(key as string, { cost: cost as number }),
    () => limiter.peek(key as string, { cost: cost as number }),
    () => limiter.charge(key as string, cost as number),
    () => limiter.refund(key as string, { chargedAtUs: 1 }, { cost: cost as number }),
    async () => now.tryAcquire(key as string, { cost: cost as number }),
    async () => now.charge(key as string, cost as number),
  ];
  for (const ask of asks) {
    const found = await ask().then(
      () => undefined,
      (error: unknown) => problemOf(error),
    );
    expect([found?.path ?? null, found?.allowed ?? null]).toEqual([path, allowed]);
    const shown = typeof key === "string" && path === "cost" ? cost : key;
    if (path !== null) expect(found?.value).toBe(JSON.stringify(shown));
  }
});

it("an option that is not known is told", async () => {
  const limiter = new Tidegate().rateLimiter({ name: "api", limits: [{ limit: 1, window: "day" }] });
  const misspelt = { cots: 5 } as object;
  await expect(limiter.tryAcquire("me", misspelt)).rejects.toThrow("cots is 5, must be left out: the options are cost");
  await expect(limiter.acquire("me", misspelt)).rejects.toThrow("cots is 5");
  await expect(limiter.tryAcquire(undefined as never)).rejects.toThrow("key is undefined, must be a text");
  expect(() => new Memory({ limitms: 5 } as object)).toThrow("limitms is 5, must be left out");
});

it("an option of one of several asks that is misspelt is told, on a shared store as in memory", async () => {
  const clock = new ManualClock();
  for (const store of [new Memory(), new MemoryStore(new Memory(), clock)]) {
    const limiter = new Tidegate({ store, clock }).rateLimiter({
      name: "api",
      limits: [{ limit: 5, window: "minute" }],
    });
    const asks = [{ key: "a" }, { key: "b", costs: 2 }, { key: "c", cost: 2 }];
    const [first, second, third] = await limiter.tryAcquireMany(asks);
    expect([first?.status, third?.status]).toEqual(["fulfilled", "fulfilled"]);
    expect(second).toMatchObject({ status: "rejected", reason: { code: "config" } });
    expect(String((second as PromiseRejectedResult).reason)).toContain("costs is 2");
  }
});
