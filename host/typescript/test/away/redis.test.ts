/**
 * What Redis can do to a host, through each client: every failure ends in time, in the same way,
 * and passes by itself.
 */

import { setImmediate } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { redisStore, type StoreChange, type StoreError, type StoreState, Tidegate } from "../../src/index.js";
import { EntityKey } from "../../src/key.js";
import { slotOf } from "../../src/store/redis/slot.js";
import { CLUSTER, type Connected, SINGLE } from "../store/clients.js";
import { startCluster } from "../store/cluster.js";
import { type RedisServer, startRedis } from "../support/redis.js";

const LIMIT = { name: "api", limits: [{ limit: 1_000, window: "day" }] } as const;

/** A gate that tells when its store's state changes. */
class Watched {
  readonly gate: Tidegate;
  readonly changes: StoreChange[] = [];
  #waiting: { readonly state: StoreState; readonly done: () => void }[] = [];

  constructor({ client }: Connected, timeoutMs = 500) {
    this.gate = new Tidegate({
      store: redisStore(client, { timeoutMs }),
      storeWatch: { failures: 2, openMs: 20, capMs: 40 },
      onStoreChange: change => {
        this.changes.push(change);
        for (const { state, done } of this.#waiting) if (state === change.after) done();
      },
    });
  }

  /** Resolves when the store is said to be so, now or later. */
  async until(state: StoreState): Promise<void> {
    if (this.gate.storeState() === state) return;
    await new Promise<void>(done => this.#waiting.push({ state, done }));
  }

  /** What a call ends in: its verdict, or the reason and the words of its error. */
  async ask(key = "me", whenAway: "error" | "open" | "closed" = "error"): Promise<string> {
    try {
      const { verdict, degraded } = await this.gate.rateLimiter({ ...LIMIT, whenAway }).tryAcquire(key);
      return degraded ? `degraded ${verdict}` : verdict;
    } catch (error) {
      const { reason, message } = error as StoreError;
      return `${reason}: ${message}`;
    }
  }

  /** Each call fails as said, until the watch is open. */
  async failUntilAway(key: string, failure: RegExp): Promise<void> {
    while (this.gate.storeState() === "available") expect(await this.ask(key)).toMatch(failure);
  }

  /**
   * The store fails each call as said, until its watch says so; policies answer by their settings;
   * then it is put right.
   */
  async outage(failure: RegExp, putRight: () => Promise<unknown>): Promise<void> {
    expect(await this.ask()).toMatch(failure);
    expect(await this.ask("me", "open")).toBe("degraded allowed");
    await this.failUntilAway("me", failure);
    expect(await this.ask("me", "closed")).toBe("degraded denied");
    expect(this.gate.stats().watchRefused).toBeGreaterThan(0);
    await putRight();
    await this.until("available");
    expect(await this.ask()).toBe("allowed");
    // What was let go meanwhile is charged.
    expect(this.gate.stats().posted).toBe(1);
  }
}

describe.each(SINGLE)("through %s", (_, connect) => {
  let server: RedisServer;
  let connected: Connected;
  let host: Watched;

  beforeEach(async () => {
    server = await startRedis();
    connected = await connect([server.port]);
    host = new Watched(connected);
    expect(await host.ask()).toBe("allowed");
  });

  afterEach(async () => {
    connected.close();
    await server.stop();
  });

  test("a server that is silent times calls out", async () => {
    const quick = new Watched(connected, 50);
    expect(await quick.ask()).toBe("allowed");
    server.pause();
    await quick.outage(/^timed-out: .* 50 ms/, async () => server.resume());
  });

  test("a server that dies and comes back empty begins anew", async () => {
    const { port } = server;
    await server.stop();
    await host.outage(/^(away|timed-out): /, async () => {
      server = await startRedis([], port);
    });
    expect((await host.gate.rateLimiter(LIMIT).peek("me")).count).toBe(2);
  });

  test("a server that forgot the script is told it again, and nobody notices", async () => {
    await server.command("SCRIPT", "FLUSH");
    expect(await host.ask()).toBe("allowed");
    expect(host.changes).toEqual([]);
    expect((await host.gate.rateLimiter(LIMIT).peek("me")).count).toBe(2);
  });

  test("a replica that only reads refuses", async () => {
    await server.command("REPLICAOF", "127.0.0.1", "1");
    await server.command("CONFIG", "SET", "replica-serve-stale-data", "yes");
    await host.outage(/^refused: .*(READONLY|read only replica)/, () => server.command("REPLICAOF", "NO", "ONE"));
  });

  test("a replica that lost its master refuses", async () => {
    await server.command("CONFIG", "SET", "replica-serve-stale-data", "no");
    await server.command("REPLICAOF", "127.0.0.1", "1");
    await host.outage(/^refused: .*MASTERDOWN/, () => server.command("REPLICAOF", "NO", "ONE"));
  });

  test("a server without memory refuses", async () => {
    await server.command("CONFIG", "SET", "maxmemory", "1");
    await host.outage(/^refused: .*(OOM|maxmemory)/, () => server.command("CONFIG", "SET", "maxmemory", "0"));
  });

  test("a user that lost its rights is refused", async () => {
    await server.command("ACL", "SETUSER", "default", "-evalsha", "-eval");
    await host.outage(/^refused: .*NOPERM/, () => server.command("ACL", "SETUSER", "default", "+@all"));
  });

  test("a server that is busy with a script of somebody else refuses", async () => {
    await server.command("CONFIG", "SET", "busy-reply-threshold", "1");
    const busy = server.command("EVAL", "while true do end", "0");
    // Nobody announces that it runs.
    while (!(await server.command("PING")).startsWith("-BUSY"));
    await host.outage(/^(refused: .*BUSY|timed-out)/, () => server.command("SCRIPT", "KILL"));
    await busy;
  });

  test("connections that are cut are made anew", async () => {
    for (let cut = 0; cut < 3; cut++) {
      await server.command("CLIENT", "KILL", "TYPE", "normal");
      await setImmediate();
      expect(await host.ask()).toMatch(/^(allowed$|away: |timed-out: )/);
      await host.until("available");
    }
  });
});

describe.each(CLUSTER)("through %s, a cluster", (_, connect) => {
  let nodes: RedisServer[];
  let connected: Connected;

  beforeAll(async () => {
    nodes = await startCluster();
    // A node that is missed must not stop the others.
    await Promise.all(nodes.map(node => node.command("CONFIG", "SET", "cluster-require-full-coverage", "no")));
    connected = await connect(nodes.map(({ port }) => port));
  });

  afterAll(async () => {
    connected.close();
    await Promise.all(nodes.map(node => node.stop()));
  });

  /** A key whose slot is of the node. */
  function keyOn(node: number): string {
    for (let key = 0; ; key++) {
      const slot = slotOf(EntityKey.of("rl", LIMIT.name, `${key}`));
      if (Math.min(Math.floor(slot / 5_461), 2) === node) return `${key}`;
    }
  }

  test("without one of its nodes serves the keys of the others, and those of that node when it is back", async () => {
    const host = new Watched(connected);
    const [here, there] = [keyOn(0), keyOn(2)];
    expect([await host.ask(here), await host.ask(there)]).toEqual(["allowed", "allowed"]);
    nodes[2]?.pause();
    await host.failUntilAway(there, /^(timed-out|away|refused): /);
    expect(await host.ask(there, "closed")).toBe("degraded denied");
    expect(await host.ask(here)).toBe("allowed");
    expect(new Set(host.changes.map(({ shard }) => shard)).size).toBe(1);
    nodes[2]?.resume();
    await host.until("available");
    expect(await host.ask(there)).toBe("allowed");
  });
});
