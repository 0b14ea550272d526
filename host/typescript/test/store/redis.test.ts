/**
 * The Redis store on a real server, through each client: the suite of all stores, and what only
 * Redis can hold.
 */

import { Redis as IoRedis } from "ioredis";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ConfigError, isMisuseError } from "../../src/errors.js";
import type { RedisClient } from "../../src/store/redis/client.js";
import { RedisStore, redisStore } from "../../src/store/redis/redis-store.js";
import { MAX_NUMBER } from "../../src/store/store.js";
import { type RedisServer, startRedis } from "../support/redis.js";
import { advance, Bench, get, observe, put, retreat } from "./bench.js";
import { type Connected, SINGLE } from "./clients.js";
import { storeSuite } from "./suite.js";

// A machine that builds and tests at once is slow now and then.
const LIMIT_MS = 10_000;

let server: RedisServer;
let stranger: IoRedis;

beforeAll(async () => {
  server = await startRedis();
  stranger = new IoRedis(server.port);
});

afterAll(async () => {
  stranger.disconnect();
  await server.stop();
});

/**
 * Resolves when the server's clock has gone on by so much: a real server's time passes by itself.
 */
async function pass(ms: number): Promise<void> {
  const nowMs = async () => {
    const [seconds, micros] = await stranger.time();
    return Number(seconds) * 1_000 + Number(micros) / 1_000;
  };
  const endMs = (await nowMs()) + ms;
  while ((await nowMs()) <= endMs);
}

async function calls(command: string): Promise<number> {
  const stats = await stranger.info("commandstats");
  return Number(new RegExp(`cmdstat_${command}:calls=(\\d+)`).exec(stats)?.[1] ?? 0);
}

describe.each(SINGLE)("through %s, the Redis store", (name, connect) => {
  let connected: Connected;
  let store: RedisStore;
  beforeAll(async () => {
    connected = await connect([server.port]);
    store = redisStore(connected.client, { timeoutMs: LIMIT_MS });
  });
  afterAll(() => connected.close());

  const bench = () => new Bench(store);
  const keyOf = (b: Bench, cell: number) => b.entity.redisKey("tidegate", cell);

  storeSuite(() => ({ store, pass }), { numRuns: 60, greatest: MAX_NUMBER - (name.startsWith("ioredis") ? 0 : 48) });

  test("gives every key an expiry, and keeps readable text under the documented key", async () => {
    const b = bench();
    await b.apply(put(0, "a"), advance(1, 1, 0, 1, true), advance(2, 2, 0, 2, true));
    await b.apply(retreat(2, 1, 0), { kind: "put", cell: 3, value: "a", ttlMs: 2 ** 64 });
    for (const cell of [0, 1, 2]) {
      const ttl = await stranger.pttl(keyOf(b, cell));
      expect(ttl).toBeGreaterThan(50_000);
      expect(ttl).toBeLessThanOrEqual(60_000);
    }
    expect(await stranger.pttl(keyOf(b, 3))).toBeGreaterThan(60_000);
    await b.apply(advance(3, 1_000_000_000_000_000, 0, 2_000_000_000_000_000, true));
    expect(await stranger.get(`tidegate:{${b.entity.tag}}:0.3`)).toBe("1000000000000000");
  });

  test("takes unreadable values for none and counts them", async () => {
    const broken = ["ff", "6180", "c3", "c080", "e08080", "eda080", "f4908080", "e2c3a982ac", "78".repeat(2 << 20)];
    for (const hex of broken) {
      const b = bench();
      await stranger.set(keyOf(b, 0), Buffer.from(hex, "hex"), "PX", 60_000);
      const observed = await b.commit(observe(0), observe(0));
      expect(observed).toMatchObject({ outcome: { kind: "applied", seen: [undefined, undefined] }, foreign: 1 });
      expect(await b.refusal(get(0, "a"))).toEqual([undefined, undefined, undefined, undefined]);
      expect(await b.apply(get(0, undefined), advance(0, 1, 0, 1, true))).toEqual([undefined, 0]);
      expect(await b.value(0)).toBe("1");
    }
  });

  test("takes values of other types for none and replaces them", async () => {
    const b = bench();
    for (const cell of [0, 1, 2, 3]) await stranger.rpush(keyOf(b, cell), "1");
    const seen = await b.apply(get(0, undefined), observe(1), advance(2, 1, 0, 1, true), retreat(3, 1, 7));
    expect(seen).toEqual([undefined, undefined, 0, 7]);
    await b.apply(put(0, "a"), put(1, undefined));
    expect([await b.value(0), await b.value(2), await stranger.exists(keyOf(b, 1))]).toEqual(["a", "1", 0]);
  });

  test("is not denied by a number that never expires", async () => {
    const b = bench();
    await stranger.set(keyOf(b, 0), "9007199254740992");
    expect(await b.commit(advance(0, 1, 5, 10, false))).toMatchObject({ outcome: { kind: "refused" }, foreign: 1 });
    expect(await b.apply(advance(0, 1, 5, 10, true), advance(0, 1, 5, 10, true))).toEqual([5, 6]);
    expect(await stranger.pttl(keyOf(b, 0))).toBeGreaterThan(0);
  });

  test("teaches the server a script that it has forgotten, once", async () => {
    const b = bench();
    const atUs = (await store.timeUs()) - 1_000;
    await stranger.script("FLUSH");
    const before = await calls("eval");
    const replies = await Promise.all([1, 2, 3].map(() => b.commitAt(atUs, advance(0, 1, 0, 9, true))));
    expect(replies.map(reply => reply.outcome.kind)).toEqual(["applied", "applied", "applied"]);
    const taught = await calls("eval");
    expect(taught).toBeGreaterThan(before);
    expect(await b.apply(advance(0, 1, 0, 9, true))).toEqual([3]);
    expect(await calls("eval")).toBe(taught);
  });

  test("shares nothing with one of another prefix", async () => {
    const b = bench();
    await b.apply(put(0, "a"));
    const elsewhere = new Bench(redisStore(connected.client, { prefix: "shop:{eu}", timeoutMs: LIMIT_MS }), b.entity);
    expect(await elsewhere.value(0)).toBeUndefined();
    await elsewhere.apply(put(0, "b"));
    expect(await stranger.get(b.entity.redisKey("shop:%7Beu%7D", 0))).toBe("b");
  });

  test("is refused in the server's words, and nothing is written", async () => {
    const b = bench();
    await b.apply(put(0, "a"));
    const atUs = (await store.timeUs()) - 1_000;
    await stranger.config("SET", "maxmemory", "1");
    const refused = b.commitAt(atUs, put(0, "b"));
    await expect(refused).rejects.toMatchObject({
      code: "store",
      reason: "refused",
      message: expect.stringContaining("OOM"),
    });
    await stranger.config("SET", "maxmemory", "0");
    expect(await b.value(0)).toBe("a");
  });

  test("sends the commits of one tick in few writes, also those that go alone", async () => {
    // Commits on one entity never share a call.
    const b = bench();
    const atUs = (await store.timeUs()) - 1_000;
    const before = await readEvents();
    await Promise.all(Array.from({ length: 32 }, () => b.commitAt(atUs, advance(0, 1, 0, 99, true))));
    // One read may take in several writes, but one write on this machine is never more than one
    // read of so few bytes.
    expect((await readEvents()) - before - 1).toBeLessThanOrEqual(2);
  });
});

async function readEvents(): Promise<number> {
  return Number(/total_reads_processed:(\d+)/.exec(await stranger.info("stats"))?.[1]);
}

test("settings that are wrong are named, all at once", () => {
  const build = (options: object) => () => new RedisStore(stranger as RedisClient, options);
  for (const timeoutMs of [0, 60_001, 1.5, "50", Number.NaN]) expect(build({ timeoutMs })).toThrow("timeoutMs");
  try {
    build({ timeoutMs: 0, prefix: 7 })();
    expect.unreachable();
  } catch (error) {
    expect((error as ConfigError).problems.map(problem => problem.path)).toEqual(["prefix", "timeoutMs"]);
    expect(error).toBeInstanceOf(ConfigError);
  }
});

test("what is no client is a misuse", () => {
  for (const client of [null, undefined, {}, 6379, { sendCommand() {} }]) {
    try {
      redisStore(client as unknown as RedisClient);
      expect.unreachable();
    } catch (error) {
      expect(isMisuseError(error)).toBe(true);
    }
  }
});
