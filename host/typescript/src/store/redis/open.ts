/** Opening a connection of our own, with the settings that a store wants of its client. */

import { MisuseError } from "../../errors.js";
import type { RedisClient } from "./client.js";
import { Attempts, type Hearing, watchConnection } from "./connection.js";
import { packages, WANTED } from "./packages.js";
import type { Address } from "./url.js";

/** How long an attempt to connect may take, in milliseconds. */
const CONNECT_LIMIT_MS = 2_000;

/**
 * After so long without an answer a connection is given up: a commit that old would be untimely
 * anyhow.
 */
export const MAX_SILENCE_MS = 1_000;

/** How operators see us in `CLIENT LIST`. */
const NAME = "tidegate";

/** The pause before an attempt, in milliseconds. */
const pauseMs = (attempts: number) => Math.min((attempts + 1) * 50, 2_000);

/** A connection that opens by itself, again and again. */
export interface Opened {
  readonly client: RedisClient;
  /**
   * Whether the client gives up a connection that is silent, or to a replica that only reads, by
   * itself.
   */
  readonly isWatchful: boolean;
  /** Whether it would send a command now. */
  isReady(): boolean;
  close(): void;
}

/** Opens a connection, each time to the same place. */
export type Opener = (hearing: Hearing) => Opened;

declare function setTimeout(callback: () => void, ms: number): unknown;

type Make<C> = new (...args: unknown[]) => C & RedisClient;
interface IoRedis {
  readonly status: string;
  /** That of one server. */
  readonly stream?: { readonly writable: boolean } | null;
  on(event: "error", listener: () => void): unknown;
  connect(): Promise<unknown>;
  disconnect(): void;
}
interface NodeRedis {
  readonly isReady: boolean;
  on(event: "error" | "ready", listener: () => void): unknown;
  sendCommand(args: readonly string[]): Promise<unknown>;
  connect(): Promise<unknown>;
  /** That of version 5; version 4 has `disconnect` for it. */
  destroy?(): unknown;
  disconnect(): unknown;
}

/**
 * How to open connections to a server, or to a cluster with these nodes, by the package that is
 * installed.
 *
 * @throws a MisuseError where none is, or it cannot be loaded
 */
export async function openerOf(addresses: readonly Address[], isCluster: boolean): Promise<Opener> {
  for (const [name, load] of Object.entries(packages)) {
    const module = await load().catch((cause: Error) => {
      throw new MisuseError(`the package ${name} cannot be loaded: ${cause.message}`, { cause });
    });
    const found = { ...(module["default"] as object | undefined), ...module };
    if (name === "ioredis" && "Redis" in found) return ioRedis(found, addresses, isCluster);
    if (name === "redis" && "createClient" in found) return nodeRedis(found, addresses, isCluster);
  }
  throw new MisuseError(WANTED);
}

function ioRedis(module: Record<string, unknown>, addresses: readonly Address[], isCluster: boolean): Opener {
  const [first] = addresses as [Address];
  const { host, port, path, username, password, database: db, isTls } = first;
  const common = {
    ...{ username, password, connectionName: NAME, disableClientInfo: true, connectTimeout: CONNECT_LIMIT_MS },
    ...(isTls && { tls: {} }),
    socketTimeout: MAX_SILENCE_MS,
    // A commit that is sent once more may charge twice.
    autoResendUnfulfilledCommands: false,
    reconnectOnError: (error: Error) => error.message.includes("READONLY"),
  };
  const retry = (attempts: number) => pauseMs(attempts - 1);
  const Redis = module["Redis"] as Make<IoRedis>;
  const Cluster = module["Cluster"] as Make<IoRedis>;
  const alone = { ...common, ...(path === undefined ? { host, port } : { path }), db, retryStrategy: retry };
  // What waits for a connection waits in front of it, where it can be taken back.
  const off = { lazyConnect: true, enableOfflineQueue: false };
  const nodes = addresses.map(({ host, port }) => ({ host, port }));
  const together = { redisOptions: common, clusterRetryStrategy: retry, ...off };
  return hearing => {
    const client = isCluster ? new Cluster(nodes, together) : new Redis({ ...alone, ...off });
    client.on("error", () => undefined);
    watchConnection(client, hearing);
    // It tries again by itself.
    client.connect().catch(() => undefined);
    const isReady = () => client.status === "ready" && client.stream?.writable !== false;
    return { client, isWatchful: true, isReady, close: () => client.disconnect() };
  };
}

function nodeRedis(module: Record<string, unknown>, addresses: readonly Address[], isCluster: boolean): Opener {
  type Create = (options: object) => NodeRedis & RedisClient;
  const { createClient, createCluster } = module as Record<"createClient" | "createCluster", Create>;
  const one = (address: Address) => {
    const { host, port, path, username, password, database, isTls } = address;
    const place = path === undefined ? { host, port, ...(isTls && { tls: true }) } : { path };
    const socket = { ...place, connectTimeout: CONNECT_LIMIT_MS, reconnectStrategy: pauseMs };
    const named = { disableClientInfo: true, disableOfflineQueue: true };
    return { ...named, ...(username && { username }), ...(password && { password }), database, socket };
  };
  const [first] = addresses.map(one) as [ReturnType<typeof one>];
  const { connectTimeout, reconnectStrategy } = first.socket;
  const isTls = addresses[0]?.isTls;
  const defaults = {
    ...first,
    database: 0,
    socket: { connectTimeout, reconnectStrategy, ...(isTls && { tls: true }) },
  };
  const rootNodes = addresses.map(address => ({ socket: one(address).socket }));
  return hearing => {
    const client = isCluster ? createCluster({ rootNodes, defaults }) : createClient(first);
    client.on("error", () => undefined);
    const close = () => void quietly(() => client.destroy?.() ?? client.disconnect());
    if (isCluster) {
      return { client, isWatchful: true, isReady: () => true, close: openAgain(client, hearing, close) };
    }
    watchConnection(client, hearing);
    // Not by an option of the client's, which would not connect where the user may not name itself.
    client.on("ready", () => void quietly(() => client.sendCommand(["CLIENT", "SETNAME", NAME])));
    void quietly(() => client.connect());
    return { client, isWatchful: false, isReady: () => client.isReady, close };
  };
}

/**
 * Opens a cluster's connection until it is open, which the client does not. Returns what ends that.
 */
function openAgain(client: NodeRedis, hearing: Hearing, close: () => void): () => void {
  const attempts = new Attempts(false);
  attempts.add(hearing);
  let isOver = false;
  const attempt = (number: number) => {
    if (isOver) return;
    client.connect().then(
      () => (isOver ? close() : attempts.opened()),
      (error: unknown) => {
        if (isOver) return;
        attempts.failed(error);
        setTimeout(() => attempt(number + 1), pauseMs(number));
      },
    );
  };
  attempt(0);
  return () => {
    isOver = true;
    close();
  };
}

/**
 * Does what may fail: a client that is closed refuses to be closed, and one that is closed while it
 * connects says so.
 */
async function quietly(work: () => unknown): Promise<void> {
  try {
    await work();
  } catch {
    // Nobody depends on it.
  }
}
