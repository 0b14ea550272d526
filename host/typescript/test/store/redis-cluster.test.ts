/** The Redis store on a cluster of three nodes, through each client. */

import { setTimeout } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { SystemClock } from "../../src/clock.js";
import type { EntityKey } from "../../src/key.js";
import { type RedisStore, redisStore } from "../../src/store/redis/redis-store.js";
import { slotOf } from "../../src/store/redis/slot.js";
import type { Outcome } from "../../src/store/store.js";
import type { RedisServer } from "../support/redis.js";
import { advance, Bench, newEntity, put } from "./bench.js";
import { CLUSTER, type Connected } from "./clients.js";
import { startCluster } from "./cluster.js";
import { storeSuite } from "./suite.js";

const LIMIT_MS = 10_000;
const clock = new SystemClock();
let nodes: RedisServer[];

beforeAll(async () => {
  nodes = await startCluster();
}, 60_000);

afterAll(async () => {
  await Promise.all(nodes.map(node => node.stop()));
});

/** Which third of the slots, and so which node, an entity is on. */
const nodeOf = (entity: EntityKey) => [5460, 10922, 16383].findIndex(last => slotOf(entity) <= last);

/** Commits an operation on the entity's first cell, and on nothing else. */
async function commitOne(store: RedisStore, entity: EntityKey, op: Parameters<Bench["apply"]>[0]): Promise<Outcome> {
  // The nodes share this machine's clock. A little behind it, nothing is untimely.
  const atUs = clock.nowUs() - 10_000;
  const { outcome } = await store.commit({ atUs, entities: [entity], cells: [{ entity: 0, field: 0 }], ops: [op] });
  return outcome;
}

describe.each(CLUSTER)("through %s, the Redis store on a cluster", (name, connect) => {
  let connected: Connected;
  let store: RedisStore;
  beforeAll(async () => {
    connected = await connect(nodes.map(node => node.port));
    store = redisStore(connected.client, { timeoutMs: LIMIT_MS });
  });
  afterAll(() => connected.close());

  // The nodes share this machine's clock.
  const subject = () => ({ store, pass: (ms: number) => setTimeout(ms + 1) });
  storeSuite(subject, { numRuns: 30, greatest: 2 ** 53 - (name.startsWith("ioredis") ? 0 : 48) });

  test("has all cells of an entity in one slot, the one that the server says, and entities on all nodes", async () => {
    const entities = Array.from({ length: 50 }, newEntity);
    for (const entity of entities) {
      await new Bench(store, entity).apply(put(0, "a"), advance(1, 1, 0, 9, true), put(2, "c"));
    }
    for (const field of [0, 0xffff_ffff]) {
      const entity = entities[0] as EntityKey;
      expect(await nodes[0]?.command("CLUSTER", "KEYSLOT", entity.redisKey("p", field))).toBe(`:${slotOf(entity)}\r\n`);
    }
    expect(new Set(entities.map(nodeOf))).toEqual(new Set([0, 1, 2]));
  });

  test("refuses entities of several slots in so many words", async () => {
    const entities = Array.from({ length: 8 }, newEntity);
    expect(store.isAtomicOver(entities)).toBe(false);
    const commit = {
      atUs: clock.nowUs(),
      entities,
      cells: entities.map((_, entity) => ({ entity, field: 0 })),
      ops: [],
    };
    await expect(store.commit(commit)).rejects.toMatchObject({
      reason: "refused",
      message: expect.stringContaining("slots"),
    });
  });

  test("teaches each node the script", async () => {
    for (const node of nodes) await node.command("SCRIPT", "FLUSH");
    const replies = Array.from({ length: 30 }, () => commitOne(store, newEntity(), advance(0, 1, 0, 9, true)));
    for (const outcome of await Promise.all(replies)) expect(outcome).toEqual({ kind: "applied", seen: [0] });
  });

  test("follows a slot that moves", async () => {
    const entity = newEntity();
    const [from, to] = [nodeOf(entity), (nodeOf(entity) + 1) % 3];
    const ids = await Promise.all(
      nodes.map(async node => /[0-9a-f]{40}/.exec(await node.command("CLUSTER", "MYID"))?.[0]),
    );
    const setSlot = (node: number, ...state: (string | undefined)[]) =>
      nodes[node]?.command("CLUSTER", "SETSLOT", `${slotOf(entity)}`, ...state.map(String));
    // On its way, keys that are not there yet are asked for at the new node.
    await setSlot(to, "IMPORTING", ids[from]);
    await setSlot(from, "MIGRATING", ids[to]);
    expect(await commitOne(store, entity, advance(0, 1, 0, 9, true))).toEqual({ kind: "applied", seen: [0] });
    for (const node of [to, from]) await setSlot(node, "NODE", ids[to]);
    expect(await commitOne(store, entity, advance(0, 1, 0, 9, true))).toEqual({ kind: "applied", seen: [1] });
    // Back, for the next client.
    await nodes[to]?.command("DEL", entity.redisKey("tidegate", 0));
    for (const node of [from, to, (to + 1) % 3]) await setSlot(node, "NODE", ids[from]);
  });
});
