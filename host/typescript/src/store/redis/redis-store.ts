/**
 * The Redis store: cells shared by all hosts on one Redis or Valkey server or cluster.
 *
 * One commit is one call of one script, so it takes one round trip and is applied whole or not at all. Commits of several entities
 * that come at the same time share a call; what becomes of one does not depend on the others. Needs Redis 6.2 or later, or Valkey.
 * How keys look is told in `key.ts`; every key expires. The connection is the caller's, who opens and closes it.
 *
 * An ACL user needs `EVALSHA`, `EVAL`, and for the script `TIME`, `MGET`, `SET`, `DEL` and `PTTL`, on the keys under the prefix:
 * `+evalsha +eval +time +mget +set +del +pttl ~tidegate:*`, and what the client itself sends.
 *
 * In a cluster the clock is that of the node that an entity is on, and {@link Store.timeUs} tells any node's. Keep the nodes' clocks
 * together; where they differ, commits at the time of another node are untimely and the reply tells the right time.
 */

import { assertOptions } from "../../ask.js";
import { quoted } from "../../config.js";
import { ConfigError, type Problem, type StoreError } from "../../errors.js";
import { type EntityKey, escapedPrefix } from "../../key.js";
import { refused } from "../errors.js";
import type { Commit, Reply, Store } from "../store.js";
import { type RedisClient, wireOf } from "./clients.js";
import { watchConnection } from "./connection.js";
import { Outbox } from "./outbox.js";
import { shareASlot, slotOf } from "./slot.js";

/** The settings of a Redis store. */
export interface RedisStoreOptions {
  /** What all keys begin with; `tidegate` unless set. Hosts share cells if they share server and prefix. */
  readonly prefix?: string;
  /** How long one operation may take, in milliseconds, from when it is handed to the connection; 1 to 60,000, 250 unless set. */
  readonly limitMs?: number;
}

const OPTIONS: ReadonlySet<string> = new Set(["prefix", "limitMs"]);

/**
 * The Redis store. No commit waits longer than the time limit of one operation, whatever has become of the server.
 *
 * A client that sends commands again after a lost connection (ioredis does, unless `autoResendUnfulfilledCommands` is false) may
 * charge a call twice, never admit one twice; but it may give a refund, or what is left of a lease, twice. What comes more than a
 * second late changes nothing. The package `redis` reads the last 48 numbers up to 2^53 inexactly; no policy counts so far.
 */
export class RedisStore implements Store {
  readonly limitMs: number;
  readonly keepsLimit = true;
  readonly outlivesProcesses = true;
  readonly #outbox: Outbox;
  readonly #prefix: string;
  readonly #client: RedisClient;

  /**
   * @param client the connection: ioredis' `Redis` or `Cluster`, or what `createClient` or `createCluster` of the package `redis`
   *   returns, connected or about to be
   * @throws a ConfigError for settings that are wrong, also where ioredis has a `keyPrefix`; a MisuseError for a client that is not known
   */
  constructor(client: RedisClient, options: RedisStoreOptions = {}) {
    assertOptions(options, OPTIONS, "the Redis store");
    const { prefix = "tidegate", limitMs = 250 } = options;
    check(prefix, limitMs, keyPrefixOf(client));
    this.#prefix = escapedPrefix(prefix);
    this.limitMs = limitMs;
    this.#client = client;
    this.#outbox = new Outbox(wireOf(client), limitMs);
  }

  commit(commit: Commit): Promise<Reply> {
    if (this.#outbox.isCluster && !shareASlot(commit.entities)) {
      const why = `the ${commit.entities.length} entities of the commit are in different slots of the cluster`;
      return Promise.reject(refused(why));
    }
    try {
      const keys: string[] = [];
      for (const { entity, field } of commit.cells) keys.push(this.#key(commit.entities[entity], entity, field));
      return this.#outbox.send(commit, keys);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  async timeUs(of?: EntityKey): Promise<number> {
    // A cell that nobody asks after leads to the node that the entity is on.
    const where = of === undefined ? { entities: [], cells: [] } : { entities: [of], cells: [{ entity: 0, field: 0 }] };
    const { clockUs } = await this.commit({ atUs: 0, ...where, ops: [] });
    return clockUs;
  }

  /** Of a cluster's nodes nobody tells: one that is away is found out by its commits. */
  onRefused(tell: (error: StoreError) => void): void {
    if (!this.#outbox.isCluster) watchConnection(this.#client, tell);
  }

  groupOf(entity: EntityKey): number {
    return this.#outbox.isCluster ? slotOf(entity) >> 8 : 0;
  }

  isAtomicOver(entities: readonly EntityKey[]): boolean {
    return !this.#outbox.isCluster || shareASlot(entities);
  }

  #key(key: EntityKey | undefined, entity: number, field: number): string {
    if (key === undefined) throw refused(`the commit has no entity ${entity}`);
    return key.redisKey(this.#prefix, field);
  }
}

/** Like `new RedisStore(client, options)`. */
export function redisStore(client: RedisClient, options?: RedisStoreOptions): RedisStore {
  return new RedisStore(client, options);
}

/** What ioredis puts before every key. */
function keyPrefixOf(client: RedisClient): unknown {
  return (client as { options?: { keyPrefix?: unknown } } | undefined)?.options?.keyPrefix || undefined;
}

function check(prefix: unknown, limitMs: unknown, keyPrefix: unknown): void {
  const problems: Problem[] = [];
  if (keyPrefix !== undefined) {
    const allowed =
      "left out, since hosts without it would not share their state with this one; say prefix here instead";
    problems.push({ path: "client.options.keyPrefix", value: quoted(keyPrefix), allowed });
  }
  if (typeof prefix !== "string") problems.push({ path: "prefix", value: `${prefix}`, allowed: "a text" });
  if (!Number.isInteger(limitMs) || (limitMs as number) < 1 || (limitMs as number) > 60_000) {
    problems.push({ path: "limitMs", value: `${limitMs}`, allowed: "a whole number from 1 to 60000" });
  }
  if (problems.length > 0) throw new ConfigError("the Redis store", problems);
}
