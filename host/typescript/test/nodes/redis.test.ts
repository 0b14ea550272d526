/** Nodes on a real Redis, as hosts of their own. */

import { once } from "node:events";
import { Redis as IoRedis } from "ioredis";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { redisStore, SystemClock, Tidegate } from "../../src/index.js";
import { type RedisServer, startRedis } from "../support/redis.js";
import { CIRCUIT } from "./support.js";

let server: RedisServer;
let clients: IoRedis[];
let users = 0;

beforeAll(async () => {
  server = await startRedis();
  clients = [1, 2].map(() => new IoRedis(server.port));
});

afterAll(async () => {
  for (const client of clients) client.disconnect();
  await server.stop();
});

/** A host's clock that tells when somebody begins to wait for it. */
class WatchedClock extends SystemClock {
  readonly sleeping = new EventTarget();

  override after(ms: number, wake: () => void, background?: boolean): () => void {
    if (!background) this.sleeping.dispatchEvent(new Event("sleep"));
    return super.after(ms, wake, background);
  }
}

/** Two hosts, and a user that nobody else is. */
function fleet() {
  const clocks = [new WatchedClock(), new WatchedClock()] as const;
  const [one, other] = clients.map(
    (client, index) => new Tidegate({ store: redisStore(client, { timeoutMs: 10_000 }), clock: clocks[index] }),
  ) as [Tidegate, Tidegate];
  return { one, other, clocks, context: { userId: `user ${users++}` } };
}

const WINDOW = { limit: 1, window: "second", keyType: "per-user" } as const;
const QUEUE = { ...WINDOW, behavior: "queue", priorityField: "priority" } as const;

describe("nodes on Redis", () => {
  it("wait in one queue, by priority, though they are of two gates", async () => {
    const { one, other, clocks, context } = fleet();
    expect((await one.executeRateLimiterNode(QUEUE, context)).passed).toBe(true);
    const order: string[] = [];
    const call = async (gate: Tidegate, name: string, priority: number) => {
      const out = await gate.executeRateLimiterNode(QUEUE, { ...context, priority });
      order.push(name);
      return out;
    };
    const inQueue = once(clocks[0].sleeping, "sleep");
    const low = call(one, "low", 0);
    await inQueue;
    const high = call(other, "high", 1);
    expect(await high).toMatchObject({ passed: true, queued: true, queuePosition: 1 });
    expect(await low).toMatchObject({ passed: true, queued: true, queuePosition: 1 });
    expect(order).toEqual(["high", "low"]);
  });

  it.each(["queue", "delay"] as const)("give back what an aborted call holds, by %s", async behavior => {
    const { one, other, clocks, context } = fleet();
    const config = { ...WINDOW, window: "hour", behavior, queueTimeoutMs: 80_000_000 } as const;
    const { token } = await one.rateLimiterNode(config).execute(context);
    const aborter = new AbortController();
    const asleep = once(clocks[0].sleeping, "sleep");
    const waiting = one.rateLimiterNode(config).execute(context, { signal: aborter.signal });
    await asleep;
    aborter.abort(new Error("enough"));
    await expect(waiting).rejects.toThrow("enough");
    await one.flush();
    await one.rateLimiterNode(config).abandon(context, token ?? "");
    // Nobody is before it, and nothing is charged.
    const next = await other.rateLimiterNode(config).begin(context);
    expect(next).toMatchObject({ done: true, result: { passed: true, queued: false, currentCount: 1 } });
  });

  it.each(["queue", "delay"] as const)("take up in one gate what was begun in another, by %s", async behavior => {
    const { one, other, context } = fleet();
    const config = { ...WINDOW, behavior } as const;
    await one.rateLimiterNode(config).execute(context);
    let step = await one.rateLimiterNode(config).begin(context);
    const clock = new SystemClock();
    for (let turn = 0; !step.done; turn++) {
      const { waitMs, token } = step;
      await new Promise<void>(resolve => clock.after(waitMs, resolve));
      step = await (turn % 2 === 0 ? other : one).rateLimiterNode(config).step(context, token);
    }
    expect(step.result).toMatchObject({ passed: true, queued: behavior === "queue" });
    expect(step.result.waitTime).toBeGreaterThan(0);
  });

  it("trip one circuit, with a token that another gate brings back", async () => {
    const { one, other } = fleet();
    const config = { ...CIRCUIT, circuitId: `circuit ${users++}`, fallbackAction: "skip" } as const;
    const { token } = await one.circuitBreakerNode(config).admit();
    await other.circuitBreakerNode(config).failed(new Error("down"), token);
    const down = () => Promise.reject(new Error("down"));
    await expect(other.withCircuitBreaker(config, {}, down)).rejects.toThrow("down");
    const skipped = await one.withCircuitBreaker(config, {}, () => 5);
    expect(skipped).toEqual({ circuitResult: expect.objectContaining({ circuitState: "open", failedFast: true }) });
  });

  it("end a row of failures of another process by a success", async () => {
    const { one, other } = fleet();
    const settings = { name: `circuit ${users++}`, trip: { consecutive: 5 } };
    const [here, there] = [one.circuitBreaker(settings), other.circuitBreaker(settings)];
    const fail = async () => {
      const failed = await (await there.permit()).failed(new Error("down"));
      return failed?.state;
    };
    const admitted = await here.permit();
    for (let failures = 0; failures < 4; failures++) await fail();
    await admitted.succeeded();
    await one.flush();
    for (let failures = 0; failures < 4; failures++) expect(await fail()).toBe("closed");
    expect(await fail()).toBe("open");
  });

  it("keep a closed circuit closed without a commit for each success", async () => {
    const { one } = fleet();
    const config = { ...CIRCUIT, circuitId: `circuit ${users++}` };
    await one.withCircuitBreaker(config, {}, () => 5);
    const before = one.stats().commits;
    await one.circuitBreakerNode(config).succeeded();
    expect(one.stats()).toMatchObject({ commits: before, lost: 0 });
  });
});
