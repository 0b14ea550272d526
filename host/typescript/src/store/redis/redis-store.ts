/**
 * The Redis store: cells shared by all hosts on one Redis or Valkey server or cluster.
 *
 * One commit is one call of one script, so it takes one round trip and is applied whole or not at
 * all. Commits of several entities that come at the same time share a call; what becomes of one
 * does not depend on the others. Needs Redis 6.2 or later, or Valkey. How keys look is told in
 * `key.ts`; every key expires. The connection is the caller's, who opens and closes it.
 *
 * An ACL user needs `EVALSHA`, `EVAL`, and for the script `TIME`, `MGET`, `SET`, `DEL` and `PTTL`,
 * on the keys under the prefix: `+evalsha +eval +time +mget +set +del +pttl ~tidegate:*`, and what
 * the client itself sends.
 *
 * In a cluster the clock is that of the node that an entity is on, and {@link Store.timeUs} tells
 * any node's. Keep the nodes' clocks together; where they differ, commits at the time of another
 * node are untimely and the reply tells the right time.
 */

import { assertOptions } from "../../ask.js";
import { flag, must, quoted } from "../../config.js";
import { ConfigError, type StoreError } from "../../errors.js";
import { type EntityKey, escapedPrefix } from "../../key.js";
import type { Problem } from "../../problem.js";
import { refused } from "../errors.js";
import type { Commit, Reply, Store } from "../store.js";
import type { RedisClient } from "./client.js";
import { wireOf } from "./clients.js";
import { watchConnection } from "./connection.js";
import { Outbox } from "./outbox.js";
import { OwnWire } from "./own.js";
import { shareASlot, slotOf } from "./slot.js";
import { type Address, readUrl } from "./url.js";

/** The settings of a Redis store. */
export interface RedisStoreOptions {
  /**
   * With a URL: whether the server is a node of a Redis Cluster, which tells of the others; with
   * several URLs it is, unless set.
   */
  readonly cluster?: boolean | undefined;
  /**
   * What all keys begin with; `tidegate` unless set. Hosts share cells if they share server and
   * prefix.
   */
  readonly prefix?: string | undefined;
  /**
   * How long one operation may take, in milliseconds, from when it is handed to the connection; 1
   * to 60,000, 250 unless set.
   */
  readonly timeoutMs?: number | undefined;
}

const OPTIONS: ReadonlySet<string> = new Set(["prefix", "timeoutMs", "cluster"]);

/**
 * The Redis store. No commit waits longer than the time limit of one operation, whatever has become
 * of the server.
 *
 * A client that sends commands again after a lost connection (ioredis does, unless
 * `autoResendUnfulfilledCommands` is false) may charge a call twice, never admit one twice; but it
 * may give a refund, or what is left of a lease, twice. What comes more than a second late changes
 * nothing. The package `redis` reads the last 48 numbers up to 2^53 inexactly; no policy counts so
 * far.
 */
export class RedisStore implements Store {
  readonly timeoutMs: number;
  readonly keepsTimeout = true;
  readonly outlivesProcesses = true;
  readonly #outbox: Outbox;
  readonly #prefix: string;
  /** What it talks through: a connection that is the caller's, or one of its own. */
  readonly #client: RedisClient | undefined;
  readonly #own: OwnWire | undefined;

  /**
   * @param client the connection: ioredis' `Redis` or `Cluster`, or what `createClient` or
   * `createCluster` of the package `redis` returns, connected or about to be; or a URL, or those of
   * several nodes of a cluster, where a connection is opened in the background by ioredis or
   * `redis`, whichever is installed
   * @throws a ConfigError for settings that are wrong, also where ioredis has a `keyPrefix`; a
   * MisuseError for a client that is not known
   */
  constructor(client: RedisClient | string | readonly string[], options: RedisStoreOptions = {}) {
    assertOptions(options, OPTIONS, "the Redis store");
    const { prefix = "tidegate", timeoutMs = 250, cluster } = options;
    const problems: Problem[] = [];
    const urls = urlsIn(client);
    const addresses = urls && addressesOf(urls, problems);
    if (urls === undefined) checkClient(client as RedisClient, cluster, problems);
    else checkCluster(urls, cluster, problems);
    check(prefix, timeoutMs, problems);
    if (problems.length > 0) throw new ConfigError("the Redis store", problems);
    this.#prefix = escapedPrefix(prefix);
    this.timeoutMs = timeoutMs;
    this.#client = addresses === undefined ? (client as RedisClient) : undefined;
    this.#own = addresses && new OwnWire(addresses, cluster ?? addresses.length > 1);
    this.#outbox = new Outbox(this.#own ?? wireOf(client as RedisClient), timeoutMs);
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
    if (this.#outbox.isCluster) return;
    if (this.#client !== undefined) watchConnection(this.#client, { refused: tell });
    else this.#own?.onRefused(tell);
  }

  /** Closes the connection, if the store has opened it from a URL. Calls fail from then on. */
  close(): void {
    this.#own?.close();
  }

  shardOf(entity: EntityKey): number {
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
export function redisStore(client: RedisClient | string | readonly string[], options?: RedisStoreOptions): RedisStore {
  return new RedisStore(client, options);
}

/** The URLs, where it is no client. */
function urlsIn(client: unknown): readonly unknown[] | undefined {
  return typeof client === "string" ? [client] : Array.isArray(client) ? client : undefined;
}

function addressesOf(urls: readonly unknown[], problems: Problem[]): Address[] {
  if (urls.length === 0) problems.push({ path: "urls", value: "an empty list", allowed: "at least one URL" });
  return urls.flatMap((url, index) => {
    const path = urls.length === 1 ? "url" : `urls[${index}]`;
    if (typeof url === "string") return readUrl(url, path, problems) ?? [];
    problems.push({ path, value: quoted(url), allowed: "a text" });
    return [];
  });
}

/** What ioredis puts before every key would part us from the other hosts. */
function checkClient(client: RedisClient, cluster: unknown, problems: Problem[]): void {
  const { keyPrefix } = (client as { options?: { keyPrefix?: unknown } } | undefined)?.options ?? {};
  if (keyPrefix) {
    const allowed =
      "left out, since hosts without it would not share their state with this one; say prefix here instead";
    problems.push({ path: "client.options.keyPrefix", value: quoted(keyPrefix), allowed });
  }
  must(cluster === undefined, cluster, "cluster", problems, "left out: a client knows whether it is a cluster's");
}

function checkCluster(urls: readonly unknown[], cluster: unknown, problems: Problem[]): void {
  if (cluster !== undefined) flag(cluster, "cluster", problems);
  must(cluster !== false || urls.length < 2, cluster, "cluster", problems, "left out with several URLs");
}

function check(prefix: unknown, timeoutMs: unknown, problems: Problem[]): void {
  if (typeof prefix !== "string") problems.push({ path: "prefix", value: `${prefix}`, allowed: "a text" });
  if (!Number.isInteger(timeoutMs) || (timeoutMs as number) < 1 || (timeoutMs as number) > 60_000) {
    problems.push({ path: "timeoutMs", value: `${timeoutMs}`, allowed: "a whole number from 1 to 60000" });
  }
}
