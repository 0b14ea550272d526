/** Commits that share a call of the script. */

import { setImmediate as turn } from "node:timers/promises";
import { Redis as IoRedis } from "ioredis";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { EntityKey } from "../../src/key.js";
import type { RedisClient } from "../../src/store/redis/client.js";
import { type RedisStore, redisStore } from "../../src/store/redis/redis-store.js";
import type { Op } from "../../src/store/store.js";
import { type RedisServer, startRedis } from "../support/redis.js";
import { advance, Bench, get, newEntity, observe, put, retreat } from "./bench.js";
import { type Connected, SINGLE } from "./clients.js";

const LIMIT_MS = 10_000;
const ONE = advance(0, 1, 0, 9, true);
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

async function calls(command = "evalsha"): Promise<number> {
  const stats = await stranger.info("commandstats");
  return Number(new RegExp(`cmdstat_${command}:calls=(\\d+)`).exec(stats)?.[1] ?? 0);
}

/** A time that no commit of a test is ahead of or too far behind. */
const timely = async (store: RedisStore) => (await store.timeUs()) - 1_000;

describe.each(SINGLE)("through %s, commits that come together", (_, connect) => {
  let connected: Connected;
  let store: RedisStore;
  beforeAll(async () => {
    connected = await connect([server.port]);
    store = redisStore(connected.client, { timeoutMs: LIMIT_MS });
  });
  afterAll(() => connected.close());

  const benches = (count: number) => Array.from({ length: count }, () => new Bench(store));

  test("share few calls, and each gets its own answer", async () => {
    const all = benches(64);
    const atUs = await timely(store);
    await Promise.all(all.map((b, index) => b.commitAt(atUs, put(0, `${index}`))));
    const before = await calls();
    const replies = await Promise.all(all.map(b => b.commitAt(atUs, advance(0, 1, 0, 99, true))));
    // One half of them is at the server while the other is made.
    expect((await calls()) - before).toBe(2);
    expect(replies.map(reply => reply.outcome)).toEqual(all.map((_, seen) => ({ kind: "applied", seen: [seen] })));
  });

  test("are applied, refused or untimely each by itself", async () => {
    const all = benches(4);
    const [first, second, third, fourth] = all as [Bench, Bench, Bench, Bench];
    await fourth.apply(put(1, "é"), put(2, "7"));
    await stranger.set(fourth.entity.redisKey("tidegate", 3), "x", "PX", 60_000);
    const atUs = await timely(store);
    const before = await calls();
    const replies = await Promise.all([
      first.commitAt(atUs, ONE),
      second.commitAt(atUs, put(0, "a"), get(1, "other")),
      third.commitAt(0, put(0, "a")),
      fourth.commitAt(atUs, get(0, undefined), observe(1), retreat(2, 1, 0), advance(3, 1, 5, 9, true), put(0, "b")),
    ]);
    expect((await calls()) - before).toBe(1);
    expect(replies.map(reply => [reply.outcome, reply.foreign])).toEqual([
      [{ kind: "applied", seen: [0] }, 0],
      [{ kind: "refused", values: [undefined, undefined, undefined, undefined] }, 0],
      [{ kind: "untimely" }, 0],
      [{ kind: "applied", seen: [undefined, "é", 6, 5, undefined] }, 1],
    ]);
    expect(replies.every(reply => reply.clockUs > atUs)).toBe(true);
    expect(await Promise.all(all.map(b => b.value(0)))).toEqual(["1", undefined, undefined, "b"]);
  });

  test("and are about the same entity are applied one after the other", async () => {
    const [b, other] = benches(2) as [Bench, Bench];
    const atUs = await timely(store);
    const work = [other.commitAt(atUs, ONE), ...[0, 1, 2].map(() => b.commitAt(atUs, ONE))];
    const outcomes = (await Promise.all(work)).map(reply => reply.outcome);
    expect(outcomes).toEqual([0, 0, 1, 2].map(seen => ({ kind: "applied", seen: [seen] })));
  });

  test("teach a server that has forgotten the script, and are applied once", async () => {
    const all = benches(8);
    const atUs = await timely(store);
    await stranger.script("FLUSH");
    const replies = await Promise.all(all.map(b => b.commitAt(atUs, ONE)));
    expect(new Set(replies.map(reply => reply.outcome.kind))).toEqual(new Set(["applied"]));
    expect(new Set(await Promise.all(all.map(b => b.value(0))))).toEqual(new Set(["1"]));
  });

  test("go alone where their logs are long", async () => {
    const all = benches(4);
    const [first, ...others] = all as [Bench, ...Bench[]];
    const atUs = await timely(store);
    const before = await calls();
    await Promise.all([first.commitAt(atUs, put(0, "x".repeat(2_000))), ...others.map(b => b.commitAt(atUs, ONE))]);
    expect((await calls()) - before).toBe(2);
    expect((await Promise.all(all.map(b => b.value(0)))).map(value => `${value}`.length)).toEqual([2_000, 1, 1, 1]);
  });

  test("all fail where the server has no memory, and nothing is written", async () => {
    const all = benches(4);
    const atUs = await timely(store);
    await stranger.config("SET", "maxmemory", "1");
    const settled = await Promise.allSettled(all.map(b => b.commitAt(atUs, put(0, "b"))));
    await stranger.config("SET", "maxmemory", "0");
    for (const one of settled) expect(one).toMatchObject({ status: "rejected", reason: { reason: "refused" } });
    expect(await Promise.all(all.map(b => b.value(0)))).toEqual([undefined, undefined, undefined, undefined]);
  });
});

test("one that the server gives no right to does not stop those that it comes with", async () => {
  const rights = "+evalsha +eval +time +mget +set +del +pttl ~tidegate:{test:mine:*";
  await server.command("ACL", "SETUSER", "narrow", "on", ">secret", ...rights.split(" "));
  const client = new IoRedis({ port: server.port, username: "narrow", password: "secret", enableReadyCheck: false });
  const store = redisStore(client, { timeoutMs: LIMIT_MS });
  const all = ["mine", "other", "mine", "mine"].map(
    (name, index) => new Bench(store, EntityKey.of("test", name, `${index}`)),
  );
  const atUs = await timely(redisStore(stranger, { timeoutMs: LIMIT_MS }));
  const settled = await Promise.allSettled(all.map(b => b.commitAt(atUs, ONE)));
  expect(settled.map(one => one.status)).toEqual(["fulfilled", "rejected", "fulfilled", "fulfilled"]);
  expect(settled[1]).toMatchObject({ reason: { reason: "refused", message: expect.stringContaining("NOPERM") } });
  const [mine] = all as [Bench];
  expect(await mine.value(0)).toBe("1");
  client.disconnect();
});

describe("of a client that is watched, commits", () => {
  /** The calls of the script, and the keys of each; they are answered by hand. */
  function watched(isCluster = false, timeoutMs = LIMIT_MS) {
    const sent: { keys: string[]; answer(result: unknown): void; fail(error: Error): void }[] = [];
    const evalsha = (_digest: string, keys: number, ...args: string[]) =>
      new Promise((answer, fail) => sent.push({ keys: args.slice(0, keys), answer, fail }));
    const client = { evalsha, eval: evalsha, pipeline: evalsha, isCluster };
    const store = redisStore(client as unknown as RedisClient, { timeoutMs });
    /** A commit to one cell. */
    const commit = (op: Op = ONE) =>
      store.commit({ atUs: 0, entities: [newEntity()], cells: [{ entity: 0, field: 0 }], ops: [op] });
    return { sent, commit, sizes: () => sent.map(({ keys }) => keys.length) };
  }

  const microtask = () => Promise.resolve();

  test("go out at the end of their tick while nothing is on its way", async () => {
    const { commit, sizes } = watched();
    void commit();
    void commit();
    expect(sizes()).toEqual([]);
    await microtask();
    expect(sizes()).toEqual([2]);
  });

  test("go out in two halves, where as many came together before", async () => {
    const { commit, sent, sizes } = watched();
    const together = async (count: number) => {
      const settled = Promise.allSettled(Array.from({ length: count }, () => commit()));
      await turn();
      const sizesOfThese = sizes();
      for (const { fail } of sent.splice(0)) fail(new Error("Connection is closed."));
      await settled;
      return sizesOfThese;
    };
    expect(await together(40)).toEqual([8, 32]);
    expect(await together(40)).toEqual([20, 20]);
    expect(await together(100)).toEqual([20, 32, 32, 16]);
    expect(await together(9)).toEqual([9]);
    expect(await together(9)).toEqual([8, 1]);
  });

  test("of several ticks go out together while something is on its way", async () => {
    const { commit, sent, sizes } = watched();
    const first = commit();
    await microtask();
    for (let tick = 0; tick < 3; tick++) {
      void commit();
      await microtask();
    }
    expect(sizes()).toEqual([1]);
    await turn();
    expect(sizes()).toEqual([1, 3]);
    sent[0]?.answer([0, 1, 0, 5]);
    expect((await first).outcome).toEqual({ kind: "applied", seen: [5] });
    sent[1]?.answer([2, 7, 8, 9]);
    await turn();
    // Nothing is on its way any more.
    void commit();
    await microtask();
    expect(sizes()).toEqual([1, 3, 1]);
  });

  test("go out one by one in a cluster", async () => {
    const { commit, sizes } = watched(true);
    for (let count = 0; count < 6; count++) void commit();
    await microtask();
    expect(sizes()).toEqual([1, 1, 1, 1, 1, 1]);
  });

  test("fail together where the answer is none, and not where one's part is none", async () => {
    const { commit, sent } = watched();
    const settled = Promise.allSettled([1, 2, 3, 4].map(() => commit()));
    await microtask();
    sent[0]?.answer([9, 5, "x", 5]);
    for (const one of await settled) expect(one).toMatchObject({ status: "rejected", reason: { reason: "away" } });
    const others = Promise.allSettled([1, 2, 3, 4].map(() => commit()));
    await microtask();
    sent[1]?.answer([9, 5, "x", [2, 9, 0], [0, 9, 0, -1]]);
    expect((await others).map(one => one.status)).toEqual(["fulfilled", "rejected", "fulfilled", "rejected"]);
  });

  test.each(["NOSCRIPT No matching script", "NOPERM No permissions"])(
    "that nobody waits for any more are not sent again: %s",
    async why => {
      const { commit, sent } = watched(false, 1);
      const settled = await Promise.allSettled([1, 2, 3, 4].map(() => commit()));
      for (const one of settled) expect(one).toMatchObject({ reason: { reason: "timed-out" } });
      sent[0]?.fail(new Error(why));
      await turn();
      expect(sent).toHaveLength(1);
    },
  );

  test("without an answer are bounded in number, whatever they go out with", async () => {
    const { commit, sent } = watched();
    const all = Array.from({ length: 10_000 }, () => commit());
    const tooMany = { code: "overloaded", waiting: 10_000, maxWaiting: 10_000 };
    await expect(commit()).rejects.toMatchObject(tooMany);
    await microtask();
    for (const { keys, fail } of sent) fail(new Error(keys.length > 1 ? "NOPERM for one" : "Connection is closed."));
    await turn();
    // All are on their way again, each by itself.
    await expect(commit()).rejects.toMatchObject(tooMany);
    for (const { fail } of sent) fail(new Error("Connection is closed."));
    await Promise.allSettled(all);
    void commit();
    await microtask();
    expect(sent.at(-1)?.keys).toHaveLength(1);
  });
});
