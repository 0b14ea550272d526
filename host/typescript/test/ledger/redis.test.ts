/** The ledger on a real Redis, through each client. */

import { setImmediate } from "node:timers/promises";
import { Redis as IoRedis } from "ioredis";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Clock, SystemClock } from "../../src/clock.js";
import { EntityKey } from "../../src/key.js";
import { Ledger } from "../../src/ledger/ledger.js";
import { type RedisStore, redisStore } from "../../src/store/redis/redis-store.js";
import type { DecisionRequest } from "../../src/strategies/rate-limiter/request.js";
import { type Connected, SINGLE } from "../store/clients.js";
import { type RedisServer, startRedis } from "../support/redis.js";
import { acquire, decision, limit, limiter, peek, run, tryAcquire } from "./world.js";

const DAY = limiter([limit(40, "day")]);
let server: RedisServer;
let stranger: IoRedis;
let keys = 0;

beforeAll(async () => {
  server = await startRedis();
  stranger = new IoRedis(server.port);
});

afterAll(async () => {
  stranger.disconnect();
  await server.stop();
});

/** A host's clock that is off by so much. */
function clockOffBy(ms: number): Clock {
  const clock = new SystemClock();
  return { nowUs: () => clock.nowUs() + ms * 1_000, after: (...args) => clock.after(...args) };
}

const key = () => EntityKey.of("rl", "api", `${keys++}`);

async function commits(): Promise<number> {
  return Number(/cmdstat_evalsha:calls=(\d+)/.exec(await stranger.info("commandstats"))?.[1] ?? 0);
}

describe.each(SINGLE)("through %s, ledgers on Redis", (_, connect) => {
  let connected: Connected;
  let store: RedisStore;
  beforeAll(async () => {
    connected = await connect([server.port]);
    store = redisStore(connected.client, { timeoutMs: 10_000 });
    // Teaches the server the script, which costs a call.
    await store.timeUs();
  });
  afterAll(() => connected.close());

  const host = (offByMs = 0) => new Ledger({ run, store, clock: clockOffBy(offByMs) });
  const decide = async (ledger: Ledger, entity: EntityKey, request: DecisionRequest, signal?: AbortSignal) =>
    decision(await ledger.call(entity, DAY, request, signal));

  test("spend leases within the limit, though their clocks are an hour apart", async () => {
    const leasing = limiter([limit(400, "day")], undefined, { maxPermits: 50, lifeMs: 60_000 });
    const hosts = [-3_600_000, 0, 3_600_000].map(host);
    const entity = key();
    let admitted = 0;
    const spend = async (ledger: Ledger) => {
      for (let call = 0; call < 200; call++) {
        if (decision(await ledger.call(entity, leasing, tryAcquire())).verdict === "allowed") admitted++;
      }
    };
    const before = await commits();
    await Promise.all(hosts.map(spend));
    await Promise.all(hosts.map(ledger => ledger.flush()));
    const leased = hosts.reduce((sum, ledger) => sum + ledger.stats().leased, 0);
    expect(admitted).toBeLessThanOrEqual(400);
    expect(admitted).toBeGreaterThan(400 - 3 * 50);
    expect(leased).toBeGreaterThan(250);
    expect((await commits()) - before).toBeLessThan(200);
    // All that was not spent is back.
    const spent = decision(await host().call(entity, leasing, peek())).count;
    expect(spent).toBe(admitted);
  });

  test("admit just the limit, though their clocks are an hour apart", async () => {
    const hosts = [-3_600_000, -250, 0, 3_600_000].map(host);
    const entity = key();
    const calls = hosts.flatMap(ledger => Array.from({ length: 25 }, () => decide(ledger, entity, tryAcquire())));
    const decisions = await Promise.all(calls);
    expect(decisions.filter(decision => decision.verdict === "allowed")).toHaveLength(40);
  });

  test("send calls of one tick on one key as one commit, and commits stay few while callers are many", async () => {
    const [ledger, entity] = [host(), key()];
    await decide(ledger, entity, peek());
    const before = await commits();
    await Promise.all(Array.from({ length: 100 }, () => decide(ledger, entity, tryAcquire())));
    // A run that was late or met a new sub-window is committed again.
    expect((await commits()) - before).toBeLessThanOrEqual(3);
  });

  test("give back what a caller that went away was charged", async () => {
    const [ledger, entity] = [host(), key()];
    await decide(ledger, entity, peek());
    const aborter = new AbortController();
    const calls = [1, 2, 3].map(() => decide(ledger, entity, tryAcquire(5), aborter.signal));
    await setImmediate();
    aborter.abort();
    for (const call of await Promise.allSettled(calls)) expect(call.status).toBe("rejected");
    await ledger.flush();
    expect((await decide(host(), entity, peek())).count).toBe(0);
  });

  test("leave the queue with a caller that went away", async () => {
    const queue = limiter([limit(1, "day")], {
      tag: "queue",
      val: { maxSize: 5, timeoutMs: 86_400_000, graceMs: 60_000 },
    });
    const [ledger, entity] = [host(), key()];
    await ledger.call(entity, queue, tryAcquire());
    const aborter = new AbortController();
    const waiting = ledger.call(entity, queue, acquire(), aborter.signal);
    await setImmediate();
    aborter.abort(new Error("enough"));
    await expect(waiting).rejects.toThrow("enough");
    await ledger.flush();
    expect(decision(await host().call(entity, queue, peek())).waiting).toBe(0);
  });
});
