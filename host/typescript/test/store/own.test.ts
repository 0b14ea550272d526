/** Connections that the store opens by itself, from a URL, by each client library. */

import { EventEmitter } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { isStoreAway, redisStore, type StoreChange, Tidegate } from "../../src/index.js";
import { packages } from "../../src/store/redis/packages.js";
import { freePort, type RedisServer, startRedis } from "../support/redis.js";
import { startCluster } from "./cluster.js";

const LIMIT = { name: "api", limits: ["1000/day"] };

const real: typeof packages = { ...packages };
vi.mock("../../src/store/redis/packages.js", async load => {
  const module = await load<typeof import("../../src/store/redis/packages.js")>();
  return { ...module, packages: { ...module.packages } };
});

/** What is installed. */
function install(modules: Record<string, () => Promise<object>>): void {
  for (const name of Object.keys(packages)) delete (packages as Record<string, unknown>)[name];
  Object.assign(packages, modules);
}

const INSTALLED: [name: string, modules: Record<string, () => Promise<object>>][] = [
  ["ioredis", { ioredis: real["ioredis"] as () => Promise<object> }],
  ["redis 5", { redis: real["redis"] as () => Promise<object> }],
  ["redis 4", { redis: () => import("redis-v4") }],
];

/** What a call ends in. */
async function ask(gate: Tidegate): Promise<string> {
  const limiter = gate.rateLimiter(LIMIT);
  const [end] = await Promise.allSettled([limiter.tryAcquire("me")]);
  return end.status === "fulfilled"
    ? end.value.verdict
    : `${end.reason.reason ?? end.reason.code}: ${end.reason.message}`;
}

/** A gate whose store is told to be so. */
function gateOn(url: string, timeoutMs = 2_000) {
  const waiting: { state: string; done: (change: StoreChange) => void }[] = [];
  const gate = new Tidegate({
    store: redisStore(url, { timeoutMs }),
    storeWatch: { failures: 3, openMs: 20, capMs: 40 },
    onStoreChange: change => {
      for (const { state, done } of waiting) if (state === change.after) done(change);
    },
  });
  const until = (state: string) => new Promise<StoreChange>(done => void waiting.push({ state, done }));
  return { gate, until };
}

describe.each(INSTALLED)("a store by URL, with %s installed", (name, modules) => {
  let server: RedisServer;
  const names = async () => (await server.command("CLIENT", "LIST")).match(/ name=tidegate /g)?.length ?? 0;

  beforeEach(async () => {
    install(modules);
    server = await startRedis();
  });
  afterEach(() => server.stop());

  it("opens a connection of that name, which the last gate on it closes", async () => {
    const store = redisStore(server.url);
    const [one, other] = [new Tidegate({ store }), new Tidegate({ store })];
    expect(await ask(one)).toBe("allowed");
    expect(await names()).toBe(1);
    await one.close();
    await one.close();
    expect(await ask(other)).toBe("allowed");
    await other.close();
    while ((await names()) > 0);
    expect(await ask(other)).toBe("misuse: the store was closed, and its connection with it");
  });

  it("is a gate's by the URL alone, and closed with it", async () => {
    const gate = new Tidegate({ store: `${server.url}/3` });
    await gate.ready();
    expect(await ask(gate)).toBe("allowed");
    expect(await server.command("INFO", "keyspace")).toMatch(/^db3:keys=/m);
    await gate.close();
    while ((await names()) > 0);
  });

  it("is opened to a socket in the file system", async () => {
    const directory = mkdtempSync(join(tmpdir(), "tidegate-socket-"));
    const path = join(directory, "redis.sock");
    await server.stop();
    server = await startRedis(["--unixsocket", path]);
    const gate = new Tidegate({ store: `redis+unix://${path}?db=2` });
    expect(await ask(gate)).toBe("allowed");
    expect(await server.command("INFO", "keyspace")).toMatch(/^db2:keys=/m);
    await gate.close();
    rmSync(directory, { recursive: true });
  });

  it("is named by the environment", async () => {
    vi.stubEnv("TIDEGATE_REDIS_URL", "");
    vi.stubEnv("REDIS_URL", "");
    vi.stubEnv("REDIS_HOST", "127.0.0.1");
    vi.stubEnv("REDIS_PORT", `${server.port}`);
    vi.stubEnv("TIDEGATE_ENV", "production");
    const gate = Tidegate.fromEnv({ prefix: "staging", timeoutMs: 2_000 });
    vi.stubEnv("REDIS_PORT", "many");
    expect(() => Tidegate.fromEnv()).toThrow('REDIS_HOST and REDIS_PORT is "redis://127.0.0.1:many", must be a URL');
    vi.unstubAllEnvs();
    expect(await ask(gate)).toBe("allowed");
    expect(await server.command("KEYS", "*")).toContain("staging:{");
    await gate.close();
  });

  it("logs in as the URL says, and says what the server answers where it may not", async () => {
    await server.command("ACL", "SETUSER", "me@work", "on", ">se/cret", "~*", "+@all");
    const right = new Tidegate({ store: `redis://me%40work:se%2Fcret@127.0.0.1:${server.port}` });
    expect(await ask(right)).toBe("allowed");
    await right.close();
    const { gate, until } = gateOn(`redis://me%40work:hush@127.0.0.1:${server.port}`);
    expect(await ask(gate)).toMatch(/^refused: .*attempts to connect were refused, WRONGPASS/);
    expect(gate.storeState()).toMatch(/^(away|probing)$/);
    const error = await gate
      .rateLimiter(LIMIT)
      .tryAcquire("me")
      .catch((error: unknown) => error);
    expect(inspect(error, { depth: 9 }) + JSON.stringify(error)).not.toMatch(/hush/);
    await server.command("ACL", "SETUSER", "me@work", ">hush");
    await until("available");
    await gate.close();
  });

  it("waits for a server that is not there yet, and then fails at once, with what is in the way", async () => {
    const { port } = server;
    await server.stop();
    const { gate, until } = gateOn(server.url, 60_000);
    expect(await ask(gate)).toMatch(/^away: the store is away: 3 attempts to connect were refused, .*ECONNREFUSED/);
    const error = await gate
      .rateLimiter(LIMIT)
      .tryAcquire("me")
      .catch((error: unknown) => error);
    expect(isStoreAway(error)).toBe(true);
    server = await startRedis([], port);
    await until("available");
    expect(await ask(gate)).toBe("allowed");
    await gate.close();
  });

  it("goes on after its connection was cut, and nobody notices", async () => {
    const { gate } = gateOn(server.url, 10_000);
    expect(await ask(gate)).toBe("allowed");
    const warned: string[] = [];
    const note = (warning: Error) => void warned.push(warning.name);
    process.on("warning", note);
    // More often than Node takes listeners without a warning that they may leak.
    for (let cut = 0; cut < 12; cut++) {
      await server.command("CLIENT", "KILL", "TYPE", "normal");
      // What is on its way when the connection is cut may be lost.
      while ((await ask(gate)) !== "allowed");
      expect(await ask(gate)).toBe("allowed");
    }
    process.off("warning", note);
    expect(warned).toEqual([]);
    await gate.close();
  });

  it("gives up a connection that has fallen silent, and opens another", async () => {
    const through: Socket[] = [];
    let isSilent = false;
    const proxy = createServer(client => {
      const upstream = new (client.constructor as new () => Socket)();
      upstream.connect(server.port, "127.0.0.1");
      for (const each of [client, upstream]) each.on("error", () => undefined);
      const mute = isSilent;
      client.on("data", data => (isSilent && !mute ? undefined : upstream.write(data)));
      upstream.on("data", data => client.write(data));
      client.on("close", () => upstream.destroy());
      through.push(client);
    });
    await new Promise<void>(listening => proxy.listen(0, "127.0.0.1", listening));
    const { port } = proxy.address() as { port: number };
    const { gate } = gateOn(`redis://127.0.0.1:${port}`, 10_000);
    expect(await ask(gate)).toBe("allowed");
    isSilent = true;
    // The connection is as dead as one whose host was unplugged; one that is opened now is not.
    expect(await ask(gate)).toMatch(/^away: /);
    expect(await ask(gate)).toBe("allowed");
    expect(through).toHaveLength(2);
    await gate.close();
    proxy.close();
  });

  it("opens its connection anew where a replica answers, as after a failover behind one name", async () => {
    const { gate, until } = gateOn(server.url);
    expect(await ask(gate)).toBe("allowed");
    const id = async () => /id=(\d+) .* name=tidegate /.exec(await server.command("CLIENT", "LIST"))?.[1];
    const before = await id();
    await server.command("REPLICAOF", "127.0.0.1", "1");
    while (gate.storeState() === "available") expect(await ask(gate)).toMatch(/^refused: .*(READONLY|read only)/);
    await server.command("REPLICAOF", "NO", "ONE");
    await until("available");
    expect(await id()).not.toBe(before);
    await gate.close();
  });

  it("closes also what is not open yet", async () => {
    const gate = new Tidegate({ store: `redis://127.0.0.1:${await freePort()}` });
    const asked = ask(gate);
    await gate.close();
    expect(await asked).toMatch(/^(misuse|away)/);
    expect(await ask(gate)).toMatch(/^(misuse|away)/);
    expect(name).not.toBe("");
  });

  it("is opened to a cluster", async () => {
    const nodes = await startCluster();
    const store = redisStore(
      nodes.map(node => node.url),
      { timeoutMs: 10_000 },
    );
    const gate = new Tidegate({ store });
    const limiter = gate.rateLimiter(LIMIT);
    const asked = Array.from({ length: 20 }, (_, key) => limiter.tryAcquire(`${key}`));
    expect((await Promise.all(asked)).every(({ verdict }) => verdict === "allowed")).toBe(true);
    const by = new Tidegate({ store: redisStore(nodes[0]?.url ?? "", { cluster: true, timeoutMs: 10_000 }) });
    expect((await by.rateLimiter(LIMIT).tryAcquire("0")).remaining).toBe(998);
    await Promise.all([gate.close(), by.close()]);
    await Promise.all(nodes.map(node => node.stop()));
  });
});

describe("without a package that opens connections", () => {
  const none = { ioredis: async () => ({}), redis: async () => ({}) };

  it("a store by URL says which, and how to get one", async () => {
    install(none);
    const gate = new Tidegate({ store: "redis://127.0.0.1" });
    const message =
      "a store by URL needs one of the packages ioredis and redis, and neither is installed: npm install ioredis";
    expect(await ask(gate)).toBe(`misuse: ${message}`);
    expect(await ask(gate)).toBe(`misuse: ${message}`);
    await expect(gate.ready({ timeoutMs: 60_000 })).rejects.toThrow(message);
    await gate.close();
  });

  it("nobody is let through because of it, whatever is answered while a store is away", async () => {
    install(none);
    const gate = new Tidegate({ store: "redis://127.0.0.1" });
    const limiter = gate.rateLimiter({ ...LIMIT, whenAway: "open" });
    await expect(limiter.tryAcquire("me")).rejects.toMatchObject({ code: "misuse" });
  });

  it("one that is broken is told of as such", async () => {
    install({ ioredis: () => Promise.reject(new Error("no such file: lua.so")), redis: none.redis });
    const gate = new Tidegate({ store: "redis://127.0.0.1" });
    expect(await ask(gate)).toBe("misuse: the package ioredis cannot be loaded: no such file: lua.so");
  });
});

/** A client of ioredis that is open when it is told to be, and sends nowhere. */
class Closed extends EventEmitter {
  static latest: Closed;
  status = "connecting";
  sent = 0;

  constructor(readonly options: object) {
    super();
    Closed.latest = this;
  }

  async connect(): Promise<void> {}
  pipeline(): void {}
  disconnect(): void {}

  evalsha(): Promise<unknown> {
    this.sent++;
    return Promise.resolve([0, 1, 0]);
  }

  open(): void {
    this.status = "ready";
    this.emit("ready");
  }
}

it("what was given up while the connection opened is never sent, and what still waits is", async () => {
  install({ ioredis: async () => ({ Redis: Closed }) });
  const store = redisStore("redis://127.0.0.1", { timeoutMs: 20 });
  await expect(store.timeUs()).rejects.toMatchObject({ reason: "timed-out" });
  const waiting = store.timeUs();
  Closed.latest.open();
  expect(await waiting).toBe(1);
  expect(Closed.latest.sent).toBe(1);
  expect(Closed.latest.options).toMatchObject({ connectionName: "tidegate", enableOfflineQueue: false });
});
