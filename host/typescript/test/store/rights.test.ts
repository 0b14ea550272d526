/**
 * The rights that the README says a user needs: enough for every kind of call, and each that is
 * missing is named.
 */

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Redis as IoRedis } from "ioredis";
import { createClient } from "redis";
import { createClient as createClient4 } from "redis-v4";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { isStoreAway, isStoreError, ManualClock, redisStore, type StoreError, Tidegate } from "../../src/index.js";
import type { RedisClient } from "../../src/store/redis/client.js";
import { packages } from "../../src/store/redis/packages.js";
import { type RedisServer, startRedis } from "../support/redis.js";
import { startCluster } from "./cluster.js";

const README = readFileSync(fileURLToPath(new URL("../../README.md", import.meta.url)), "utf8");
const LINE = (/^ACL SETUSER .*$/m.exec(README)?.[0] ?? "").split(" ");
const RIGHTS = LINE.filter(word => word.startsWith("+"));

/**
 * What nobody misses here: a name, what ioredis asks the server after and goes on without, and what
 * is for hosts of other languages.
 */
const SPARE = ["+script|load", "+ping", "+info", "+client|setname"];

vi.mock("../../src/store/redis/packages.js", async load => {
  const module = await load<typeof import("../../src/store/redis/packages.js")>();
  return { ...module, packages: { ...module.packages } };
});

interface Connection {
  readonly client: RedisClient | string;
  close(): unknown;
}
type Connect = (port: number) => Promise<Connection> | Connection;

const who = { username: "tidegate", password: "a-secret" };
const url = (port: number) => `redis://tidegate:a-secret@127.0.0.1:${port}`;
const byUrl = (port: number) => ({ client: url(port), close: () => undefined });
const ignore = () => undefined;

const CONNECTIONS: [name: string, connect: Connect][] = [
  ["a URL and ioredis", byUrl],
  [
    "a URL and redis",
    port => {
      vi.spyOn(packages as Record<string, () => Promise<object>>, "ioredis").mockResolvedValue({});
      return byUrl(port);
    },
  ],
  [
    "a client of ioredis",
    port => {
      const client = new IoRedis({ port, ...who });
      return { client, close: () => client.disconnect() };
    },
  ],
  [
    "a client of redis 5",
    async port => {
      const client = createClient({ url: url(port) }).on("error", ignore);
      await client.connect();
      return { client, close: () => client.destroy() };
    },
  ],
  [
    "a client of redis 4",
    async port => {
      const client = createClient4({ url: url(port) }).on("error", ignore);
      await client.connect();
      return { client, close: () => client.disconnect() };
    },
  ],
];

/** Makes every kind of call, and returns the errors of the store that they ended in. */
async function everything(gate: Tidegate): Promise<StoreError[]> {
  const failed: StoreError[] = [];
  const tried = async (call: () => Promise<unknown>) => {
    await call().catch((error: unknown) => {
      if (isStoreError(error)) failed.push(error);
      else if (!/rate-limited|circuit-open/.test(`${(error as { code?: unknown }).code}`)) throw error;
    });
  };
  const limit = { limit: 1, window: "second" };
  for (const name of [
    "sliding-window",
    "gcra",
    "token-bucket",
    "fixed-window",
    "sliding-window-counter",
    "sliding-log",
  ]) {
    const limiter = gate.rateLimiter({ name, limits: [{ ...limit, algorithm: { name } }] });
    for (let call = 0; call < 3; call++) await tried(() => limiter.tryAcquire("me"));
    await tried(() => limiter.charge("me", 2));
    await tried(() => limiter.peek("me"));
    await tried(async () => limiter.refund("you", await limiter.tryAcquire("you")));
    await tried(() => limiter.reset("me"));
  }
  const onLimit = { behavior: "queue", maxSize: 5, timeoutMs: 1 };
  const queue = gate.rateLimiter({ name: "queue", limits: [limit], onLimit });
  await Promise.all([1, 2, 3].map(() => tried(() => queue.acquire("me"))));
  const leased = gate.rateLimiter({ name: "lease", limits: ["9/day"], lease: { maxPermits: 4, lifeMs: 1 } });
  await Promise.all([1, 2, 3].map(() => tried(() => leased.tryAcquire("me"))));
  const breaker = gate.circuitBreaker({ name: "c", trip: { consecutive: 2 }, openMs: 1, whenAway: "error" });
  for (const of of [1, 2, 3])
    await tried(() => breaker.call(() => (of < 3 ? Promise.reject(new RangeError()) : of)).catch(thrown));
  await tried(() => breaker.reset());
  const node = { limit: 1, window: "second", keyType: "global", behavior: "reject" };
  await tried(() => gate.executeRateLimiterNode(node, {}));
  await gate.flush();
  return failed;
}

/** What an operation throws is its caller's. */
const thrown = (error: unknown) => {
  if (!(error instanceof RangeError)) throw error;
};

let server: RedisServer;
beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());

/** A user with these rights makes every kind of call, on a server that does not know the script. */
async function tryWith(rights: readonly string[], connect: Connect): Promise<StoreError[]> {
  await server.command("ACL", "SETUSER", "tidegate", "reset");
  await server.command(...LINE.filter(word => !RIGHTS.includes(word)), ...rights);
  await server.command("SCRIPT", "FLUSH");
  const { client, close } = await connect(server.port);
  const gate = new Tidegate({ store: redisStore(client as RedisClient, { timeoutMs: 10_000 }), storeWatch: false });
  const errors = await everything(gate);
  await gate.close();
  await close();
  return errors;
}

afterEach(() => void vi.restoreAllMocks());

describe.each(CONNECTIONS)("with %s", (_, connect) => {
  it("the rights of the README are enough", async () => {
    expect(await tryWith(RIGHTS, connect)).toEqual([]);
  });

  it.each(RIGHTS)("a user without %s is told so, where it is missed", async right => {
    const errors = await tryWith(
      RIGHTS.filter(each => each !== right),
      connect,
    );
    const named = errors.filter(({ message }) => message.includes(`'${right.slice(1)}' command`));
    expect(named).toHaveLength(errors.length);
    expect(errors.some(isStoreAway)).toBe(false);
    // Short enough for a log: the command that failed may have been the script.
    for (const error of errors) expect(JSON.stringify({ ...error.toJSON(), stack: "" }).length).toBeLessThan(5_000);
    expect(errors.length > 0).toBe(!SPARE.includes(right));
  });
});

describe("of a cluster", () => {
  /** What the README adds for one. */
  const added = /[Oo]n a cluster add\s+`(.*?)`/.exec(README)?.[1]?.split(" ") ?? [];

  it.each([
    ["ioredis", ["redis"]],
    ["redis", ["ioredis"]],
  ])("the rights of the README are enough, with %s", async (_, missing) => {
    for (const name of missing) vi.spyOn(packages as Record<string, () => Promise<object>>, name).mockResolvedValue({});
    const nodes = await startCluster();
    for (const node of nodes) await node.command(...LINE, ...added);
    const gate = new Tidegate({
      store: redisStore(url(nodes[0]?.port ?? 0), { cluster: true, timeoutMs: 10_000 }),
      storeWatch: false,
    });
    expect(await everything(gate)).toEqual([]);
    await gate.close();
    await Promise.all(nodes.map(node => node.stop()));
  });
});

it("what else a server refuses is not taken for its being away", async () => {
  const gate = new Tidegate({
    store: redisStore(server.url, { timeoutMs: 10_000 }),
    clock: new ManualClock(),
    storeWatch: false,
  });
  const limiter = gate.rateLimiter({ name: "api", limits: ["5/second"] });
  const refusal = async () => limiter.tryAcquire("me").catch((error: unknown) => error as StoreError);
  expect(await refusal()).toMatchObject({ verdict: "allowed" });
  await server.command("CONFIG", "SET", "maxmemory", "1");
  const full = (await refusal()) as StoreError;
  await server.command("CONFIG", "SET", "maxmemory", "0");
  await server.command("REPLICAOF", "127.0.0.1", "1");
  const replica = (await refusal()) as StoreError;
  await server.command("REPLICAOF", "NO", "ONE");
  expect([full.reason, isStoreAway(full), full.message]).toEqual(["refused", false, expect.stringContaining("OOM")]);
  expect([replica.reason, isStoreAway(replica), replica.message]).toEqual([
    "refused",
    false,
    expect.stringContaining("READONLY"),
  ]);
  await gate.close();
});
