/**
 * Hosts of different settings under one name, on a real Redis: said in the log, by the one that
 * finds the other's.
 */

import { Redis as IoRedis } from "ioredis";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { type RateLimiterConfig, redisStore, type SettingsDiffer, Tidegate } from "../../src/index.js";
import { type RedisServer, startRedis } from "../support/redis.js";

let server: RedisServer;
const clients: IoRedis[] = [];
const warn = vi.spyOn(console, "warn").mockImplementation(() => undefined);

beforeAll(async () => {
  server = await startRedis();
});

afterEach(() => warn.mockClear());

afterAll(async () => {
  for (const client of clients) client.disconnect();
  await server.stop();
});

/** A process of its own, as far as the store can tell, and what it was told. */
function host(limits: RateLimiterConfig["limits"], name: string) {
  const client = new IoRedis(server.port);
  clients.push(client);
  const told: SettingsDiffer[] = [];
  const gate = new Tidegate({
    store: redisStore(client, { timeoutMs: 10_000 }),
    onSettingsDiffer: differ => void told.push(differ),
  });
  const limiter = gate.rateLimiter({ name, limits });
  return { client, told, gate, limiter };
}

/** What the store says of the name once the host has left its note. */
async function noted(client: IoRedis, name: string, text: string): Promise<void> {
  await vi.waitFor(async () => expect(await client.get(`tidegate:{st:rl:${name}}:0.0`)).toBe(text));
}

test("a host whose limiter has another window than others of its name says so once", async () => {
  const before = host([{ limit: 5, window: "minute" }], "changed");
  await before.limiter.tryAcquire("k");
  await noted(before.client, "changed", "sliding-window of 60000 ms");
  expect(before.told).toEqual([]);
  const after = host([{ limit: 5, window: "hour", algorithm: { name: "gcra" } }], "changed");
  for (const key of ["a", "b"]) await after.limiter.tryAcquire(key);
  await noted(after.client, "changed", "bucket of 3600000 ms");
  const differ = { name: "changed", here: "bucket of 3600000 ms", there: "sliding-window of 60000 ms" };
  await vi.waitFor(() => expect(after.told).toEqual([differ]));
  expect(warn).toHaveBeenCalledTimes(1);
  expect(String(warn.mock.calls[0])).toContain(
    'the limiter "changed" counts by bucket of 3600000 ms, and was counted by sliding-window of 60000 ms',
  );
});

test("hosts of one window and another limit say nothing, and their note expires in a month", async () => {
  for (const limit of [5, 50]) {
    const { client, limiter, told } = host([{ limit, window: "minute" }], "alike");
    await limiter.tryAcquire("k");
    await noted(client, "alike", "sliding-window of 60000 ms");
    expect(told).toEqual([]);
    const left = await client.pttl("tidegate:{st:rl:alike}:0.0");
    expect(left).toBeGreaterThan(29 * 86_400_000);
    expect(left).toBeLessThanOrEqual(30 * 86_400_000);
  }
  expect(warn).not.toHaveBeenCalled();
});

test("one process that opens a name with two windows says so at once", () => {
  const { gate, told } = host([{ limit: 5, window: "minute" }], "twice");
  gate.rateLimiter({ name: "twice", limits: [{ limit: 5, window: "second" }] });
  expect(told.map(differ => differ.there)).toEqual(["sliding-window of 60000 ms"]);
});
