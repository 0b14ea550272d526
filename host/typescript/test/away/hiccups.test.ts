/**
 * A hiccup of a real Redis, or of this process, through each client: nobody fails by it, and
 * nothing is taken for an outage.
 */

import { execFileSync } from "node:child_process";
import { setImmediate } from "node:timers/promises";
import { Redis as IoRedis } from "ioredis";
import { createClient } from "redis";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { redisStore, type StoreChange, type StoreError, type StoreState, Tidegate } from "../../src/index.js";
import { type Connected, SINGLE } from "../store/clients.js";
import { freePort, type RedisServer, startRedis } from "../support/redis.js";

const LONG_MS = 120_000;
const PLENTY = { name: "api", limits: [{ limit: 1_000_000, window: "day" }] } as const;

/** A gate on a connection, and what it told of the store. */
class Watched {
  readonly gate: Tidegate;
  readonly changes: StoreState[] = [];
  #tell: (() => void) | undefined;

  constructor(client: Connected["client"], timeoutMs?: number) {
    const store = redisStore(client, timeoutMs === undefined ? {} : { timeoutMs });
    const onStoreChange = ({ after }: StoreChange) => {
      this.changes.push(after);
      this.#tell?.();
    };
    this.gate = new Tidegate({ store, onStoreChange });
  }

  /** Resolves when the state is this, now or later. */
  async until(state: StoreState): Promise<void> {
    while (this.gate.storeState() !== state) {
      await new Promise<void>(resolve => {
        this.#tell = resolve;
      });
    }
  }

  ask(key: string): Promise<string> {
    return this.gate
      .rateLimiter(PLENTY)
      .tryAcquire(key)
      .then(
        ({ verdict }) => verdict,
        (error: StoreError) => error.reason ?? error.message,
      );
  }
}

/** The event loop is busy with something else. */
function beBusy(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}

const all = (count: number, end: string) => Array.from({ length: count }, () => end);

describe.each(SINGLE)("through %s", { timeout: LONG_MS }, (_, connect) => {
  let server: RedisServer;
  let connected: Connected;

  beforeEach(async () => {
    server = await startRedis(["--hz", "500"]);
    connected = await connect([server.port]);
  });

  afterEach(async () => {
    connected.close();
    await server.stop();
  });

  test("a pause that is shorter than the time limit fails nobody", async () => {
    const host = new Watched(connected.client, 5_000);
    expect(await host.ask("me")).toBe("allowed");
    let isOver = false;
    const ends = new Set<string>();
    const users = Array.from({ length: 20 }, async (_, user) => {
      while (!isOver) ends.add(await host.ask(`user ${user}`));
    });
    await server.command("CLIENT", "PAUSE", "300", "ALL");
    // The server answers it when the pause is over.
    await server.command("PING");
    isOver = true;
    await Promise.all(users);
    expect(ends).toEqual(new Set(["allowed"]));
    expect(host.changes).toEqual([]);
  });

  test("a longer one fails those that ran into the limit, and is one failure a round", async () => {
    const host = new Watched(connected.client);
    expect(await host.ask("me")).toBe("allowed");
    for (let round = 1; round <= 2; round++) {
      server.pause();
      const calls = Array.from({ length: 50 }, (_, user) => host.ask(`user ${user}`));
      expect(await Promise.all(calls)).toEqual(all(50, "timed-out"));
    }
    expect([host.gate.storeState(), host.changes]).toEqual(["available", []]);
    expect(await Promise.all([host.ask("me"), host.ask("you")])).toEqual(["timed-out", "timed-out"]);
    expect([host.gate.storeState(), host.changes]).toEqual(["away", ["away"]]);
    server.resume();
    await host.until("available");
    expect(await host.ask("me")).toBe("allowed");
  });

  test("what the server does for a call that was given up is taken back", async () => {
    const host = new Watched(connected.client, 100);
    const limiter = host.gate.rateLimiter(PLENTY);
    await limiter.tryAcquire("me");
    server.pause();
    await expect(limiter.tryAcquire("me", { cost: 5 })).rejects.toMatchObject({ reason: "timed-out" });
    server.resume();
    // It answers in turn, so when it answers this it has answered what was given up.
    await host.gate.ready();
    expect(await host.ask("another")).toBe("allowed");
    await host.gate.flush();
    expect((await limiter.peek("me")).count).toBe(1);
  });

  test.each([60, 500])("%i ms in which this process is busy time nothing out", async busyMs => {
    const host = new Watched(connected.client, busyMs * 0.8);
    expect(await host.ask("me")).toBe("allowed");
    const ends: string[] = [];
    for (let call = 0; call < 3; call++) {
      const asked = host.ask("me");
      await null;
      await new Promise<void>(resolve => process.nextTick(resolve));
      // Some clients have not written it yet.
      beBusy(busyMs);
      ends.push(await asked);
    }
    expect(ends).toEqual(all(3, "allowed"));
    expect(host.changes).toEqual([]);
    expect((await host.gate.rateLimiter(PLENTY).peek("me")).count).toBe(4);
  });

  test("a reply that lies in the socket counts, however late it is read", async () => {
    const host = new Watched(connected.client, 200);
    expect(await host.ask("me")).toBe("allowed");
    const asked = host.ask("me");
    // The clients write at the end of the tick or of the turn after it.
    await setImmediate();
    await setImmediate();
    // The server answers in turn, so when it answers this it has answered what was asked. Nothing
    // else is done meanwhile.
    execFileSync("redis-cli", ["-p", `${server.port}`, "ping"]);
    beBusy(400);
    expect(await asked).toBe("allowed");
    expect(host.changes).toEqual([]);
  });

  test("bursts of many different keys go through", async () => {
    const host = new Watched(connected.client, 2_000);
    const ends = await Promise.all(Array.from({ length: 15_000 }, (_, key) => host.ask(`${key}`)));
    expect(new Set(ends)).toEqual(new Set(["allowed"]));
    const many = await host.gate
      .rateLimiter(PLENTY)
      .tryAcquireMany(Array.from({ length: 20_000 }, (_, key) => ({ key: `many ${key}` })));
    expect(many.filter(({ status }) => status === "rejected")).toEqual([]);
    expect(host.changes).toEqual([]);
  });

  test("a server that refuses connections is away before any call has failed", async () => {
    const host = new Watched(connected.client);
    await host.ask("me");
    const { port } = server;
    await server.stop();
    await host.until("away");
    const limiter = host.gate.rateLimiter({ ...PLENTY, whenAway: "open" });
    expect(await limiter.tryAcquire("me")).toMatchObject({ degraded: true });
    server = await startRedis([], port);
    await host.gate.ready({ timeoutMs: LONG_MS });
    expect(await host.ask("me")).toBe("allowed");
  });
});

/** Connections that are not open yet, on a port where a server will be. */
const OPENING: [string, (port: number) => Connected][] = [
  [
    "ioredis 5",
    port => {
      const client = new IoRedis({ port, retryStrategy: () => 10 });
      client.on("error", () => undefined);
      return { client, close: () => client.disconnect() };
    },
  ],
  [
    "redis 5",
    port => {
      const socket = { reconnectStrategy: () => 10 };
      const client = createClient({ url: `redis://127.0.0.1:${port}`, socket });
      client.on("error", () => undefined);
      void client.connect().catch(() => undefined);
      return { client, close: () => client.destroy() };
    },
  ],
];

describe.each(OPENING)("a connection of %s that is being opened", { timeout: LONG_MS }, (_, open) => {
  test("is waited for by the first calls, as long as they may", async () => {
    const server = await startRedis();
    const { client, close } = open(server.port);
    const host = new Watched(client, 10_000);
    expect(host.gate.storeState()).toBe("unknown");
    expect(await Promise.all(["a", "b", "c"].map(key => host.ask(key)))).toEqual(all(3, "allowed"));
    expect(host.gate.storeState()).toBe("available");
    close();
    await server.stop();
  });

  test("is waited for by whoever asks whether the store is ready", async () => {
    const port = await freePort();
    const { client, close } = open(port);
    const host = new Watched(client);
    await expect(host.gate.ready({ timeoutMs: 100 })).rejects.toMatchObject({ code: "store" });
    const ready = host.gate.ready({ timeoutMs: LONG_MS });
    const server = await startRedis([], port);
    await ready;
    expect(await host.ask("me")).toBe("allowed");
    close();
    await server.stop();
  });
});

test("100,000 different keys at once go through", { timeout: LONG_MS }, async () => {
  const server = await startRedis();
  const redis = new IoRedis(server.port);
  const host = new Watched(redis, 2_000);
  await host.gate.ready({ timeoutMs: LONG_MS });
  const ends = await Promise.all(Array.from({ length: 100_000 }, (_, key) => host.ask(`${key}`)));
  expect(ends.filter(end => end !== "allowed")).toEqual([]);
  expect(host.changes).toEqual([]);
  redis.disconnect();
  await server.stop();
});
