/** The Redis store when the server is away, silent or slow, through each client. */

import { execFileSync } from "node:child_process";
import { setTimeout } from "node:timers/promises";
import { Redis as IoRedis } from "ioredis";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { StoreError } from "../../src/errors.js";
import type { RedisClient } from "../../src/store/redis/client.js";
import { redisStore } from "../../src/store/redis/redis-store.js";
import type { Store } from "../../src/store/store.js";
import { freePort, type RedisServer, startRedis } from "../support/redis.js";
import { advance, Bench, newEntity, put } from "./bench.js";
import { type Connected, SINGLE } from "./clients.js";

const LONG_MS = 60_000;

/** Asks until the store answers. That it will is not announced to anyone. */
async function answersAgain(store: Store): Promise<number> {
  for (;;) {
    try {
      return await store.timeUs();
    } catch {
      await setTimeout(5);
    }
  }
}

const reasonOf = (work: Promise<unknown>) =>
  work.then(
    () => "answered",
    (error: StoreError) => error.reason,
  );

describe.each(SINGLE)("through %s, the Redis store", (_, connect) => {
  let server: RedisServer;
  let connected: Connected;

  beforeEach(async () => {
    server = await startRedis();
    connected = await connect([server.port]);
  });

  afterEach(async () => {
    connected.close();
    await server.stop();
  });

  test("times out where the server is silent, and is used again when it speaks", { timeout: LONG_MS }, async () => {
    const store = redisStore(connected.client);
    await answersAgain(store);
    server.pause();
    for (let i = 0; i < 3; i++) {
      await expect(store.timeUs()).rejects.toMatchObject({ code: "store", reason: "timed-out", message: /250 ms/ });
    }
    server.resume();
    await answersAgain(store);
  });

  test("lets nothing that a silent server does too late have any effect", { timeout: LONG_MS }, async () => {
    const store = redisStore(connected.client, { timeoutMs: 1_200 });
    const b = new Bench(store);
    const atUs = await answersAgain(store);
    server.pause();
    expect(await reasonOf(b.commitAt(atUs, put(0, "late")))).toBe("timed-out");
    server.resume();
    await answersAgain(store);
    expect(await b.value(0)).toBeUndefined();
  });

  test("fails in bounded time where the server was killed, and finds it again without the script", {
    timeout: LONG_MS,
  }, async () => {
    const store = redisStore(connected.client, { timeoutMs: 500 });
    const b = new Bench(store);
    await answersAgain(store);
    await b.apply(advance(0, 1, 0, 9, true));
    const { port } = server;
    await server.stop();
    expect(["away", "timed-out"]).toContain(await reasonOf(store.timeUs()));
    server = await startRedis([], port);
    await answersAgain(store);
    expect(await b.apply(advance(0, 1, 0, 9, true))).toEqual([0]);
  });

  test("does not take its own process's being busy for the server's silence", { timeout: LONG_MS }, async () => {
    const store = redisStore(connected.client, { timeoutMs: 500 });
    await answersAgain(store);
    const until = performance.now() + 600;
    server.pause();
    const asked = store.timeUs();
    // The clients write at the end of the tick or of the turn after it.
    await new Promise(resolve => setImmediate(() => setImmediate(resolve)));
    server.resume();
    // The server answers one after the other, so when it answers this it has answered what was
    // asked.
    execFileSync("redis-cli", ["-p", `${server.port}`, "ping"]);
    while (performance.now() < until);
    expect(await reasonOf(asked)).toBe("answered");
  });
});

test("commits without an answer are bounded in number", { timeout: LONG_MS }, async () => {
  const silent = () => new Promise<never>(() => undefined);
  const client = { evalsha: silent, eval: silent, pipeline: () => client, exec: silent, isCluster: true };
  const store = redisStore(client as unknown as RedisClient, { timeoutMs: 1 });
  const ends = await Promise.allSettled(Array.from({ length: 10_005 }, () => store.timeUs()));
  const reasons = ends.map(end => (end.status === "rejected" ? (end.reason.reason ?? end.reason.code) : "answered"));
  // As long as the server may still answer, it is this process that asks for too much.
  expect(reasons.filter(reason => reason === "overloaded")).toHaveLength(5);
  expect(reasons.filter(reason => reason === "timed-out")).toHaveLength(10_000);
  await expect(store.timeUs()).rejects.toMatchObject({ reason: "away", message: /10000 commits/ });
});

test("commits that were answered make room for others", async () => {
  const answer = async () => [0, 1, 0];
  const client = { evalsha: answer, eval: answer, pipeline: answer, isCluster: true };
  const store = redisStore(client as unknown as RedisClient, { timeoutMs: 60_000 });
  for (let round = 0; round < 3; round++) {
    const asked = Array.from({ length: 5_000 }, () => store.timeUs());
    expect(new Set(await Promise.all(asked))).toEqual(new Set([1]));
  }
});

test("a commit that is overwritten while it is on its way is answered as it was", async () => {
  let answer: (reply: unknown) => void = () => undefined;
  const evalsha = () =>
    new Promise(resolve => {
      answer = resolve;
    });
  const client = { evalsha, eval: evalsha, pipeline: evalsha, isCluster: true };
  const store = redisStore(client as unknown as RedisClient, { timeoutMs: 60_000 });
  const ops = [advance(0, 1, 0, 9, true), put(0, "a")];
  const commit = { atUs: 0, entities: [newEntity()], cells: [{ entity: 0, field: 0 }], ops };
  const asked = store.commit(commit);
  await new Promise(resolve => setImmediate(resolve));
  ops.length = 0;
  answer([0, 1, 0, 7]);
  expect((await asked).outcome).toEqual({ kind: "applied", seen: [7, undefined] });
});

test("a client that throws or has no answers is a store that is away", async () => {
  const broken = () => {
    throw new Error("broken");
  };
  const pipeline = { evalsha: () => pipeline, exec: async () => null };
  const clients = [
    { evalsha: broken, eval: broken, pipeline: broken, isCluster: false },
    { evalsha: broken, eval: broken, pipeline: () => pipeline, isCluster: false },
    { evalSha: broken, sendCommand: broken },
  ];
  for (const client of clients) {
    const store = redisStore(client as unknown as RedisClient);
    expect(await Promise.all([1, 2].map(() => reasonOf(store.timeUs())))).toEqual(["away", "away"]);
  }
});

test("a server that is away from the start fails calls, and is found when it comes", { timeout: LONG_MS }, async () => {
  const port = await freePort();
  const client = new IoRedis({ port, retryStrategy: () => 10 });
  client.on("error", () => undefined);
  const store = redisStore(client);
  expect(["away", "timed-out"]).toContain(await reasonOf(store.timeUs()));
  const server = await startRedis([], port);
  await answersAgain(store);
  client.disconnect();
  await server.stop();
});

test("ioredis leaves no call without an end that was on its way when its connection was cut", {
  timeout: LONG_MS,
}, async () => {
  const server = await startRedis();
  const client = new IoRedis({ port: server.port, autoResendUnfulfilledCommands: false });
  client.on("error", () => undefined);
  const warned: string[] = [];
  const note = (warning: Error) => void warned.push(warning.name);
  process.on("warning", note);
  // More stores than Node takes listeners without a warning that they may leak.
  const stores: Store[] = Array.from({ length: 20 }, () => redisStore(client, { timeoutMs: 60_000 }));
  for (const each of stores) await answersAgain(each);
  process.off("warning", note);
  expect(warned).toEqual([]);
  server.pause();
  const asked = stores.map(store => reasonOf(store.timeUs()));
  await new Promise(resolve => setImmediate(() => setImmediate(resolve)));
  client.stream.destroy();
  expect(new Set(await Promise.all(asked))).toEqual(new Set(["away"]));
  server.resume();
  for (const store of stores) await answersAgain(store);
  client.disconnect();
  await server.stop();
});

test("a store keeps no process alive", { timeout: LONG_MS }, async () => {
  const silent = () => new Promise<never>(() => undefined);
  const client = { evalsha: silent, eval: silent, pipeline: silent, isCluster: true };
  const store = redisStore(client as unknown as RedisClient, { timeoutMs: 60_000 });
  // A timer that holds the process shows among what it waits for.
  const timers = () => process.getActiveResourcesInfo().filter(resource => resource === "Timeout").length;
  const before = timers();
  void store.timeUs().catch(() => undefined);
  await new Promise(resolve => setImmediate(resolve));
  expect(timers()).toBe(before);
});
