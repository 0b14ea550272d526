/** The clients that a store can talk through, connected to a test's own servers. */

import { Cluster, Redis as IoRedis } from "ioredis";
import { createClient, createCluster } from "redis";
import { createClient as createClient4, createCluster as createCluster4 } from "redis-v4";
import type { RedisClient } from "../../src/store/redis/client.js";

/** A connection and how to close it. */
export interface Connected {
  readonly client: RedisClient;
  close(): void;
}

type Connect = (ports: readonly number[]) => Promise<Connected>;

/** An error of the connection is what a test is about, and goes to who waits. */
const ignore = () => undefined;

async function ioredis([port]: readonly number[]): Promise<Connected> {
  const client = new IoRedis({ port: port ?? 0, lazyConnect: true, retryStrategy: () => 10 });
  client.on("error", ignore);
  await client.connect();
  return { client, close: () => client.disconnect() };
}

async function ioredisCluster(ports: readonly number[]): Promise<Connected> {
  const client = new Cluster(
    ports.map(port => ({ host: "127.0.0.1", port })),
    { lazyConnect: true },
  );
  client.on("error", ignore);
  await client.connect();
  return { client, close: () => client.disconnect() };
}

const url = (port: number | undefined) => `redis://127.0.0.1:${port}`;
const socket = { reconnectStrategy: () => 10 };

async function redis5([port]: readonly number[]): Promise<Connected> {
  const client = createClient({ url: url(port), socket });
  client.on("error", ignore);
  await client.connect();
  return { client, close: () => client.destroy() };
}

async function redis5Resp3([port]: readonly number[]): Promise<Connected> {
  const client = createClient({ url: url(port), socket, RESP: 3 });
  client.on("error", ignore);
  await client.connect();
  return { client, close: () => client.destroy() };
}

async function redis4([port]: readonly number[]): Promise<Connected> {
  const client = createClient4({ url: url(port), socket });
  client.on("error", ignore);
  await client.connect();
  return { client, close: () => void client.disconnect().catch(ignore) };
}

async function redis5Cluster(ports: readonly number[]): Promise<Connected> {
  const client = createCluster({ rootNodes: ports.map(port => ({ url: url(port) })) });
  client.on("error", ignore);
  await client.connect();
  return { client, close: () => client.destroy() };
}

async function redis4Cluster(ports: readonly number[]): Promise<Connected> {
  const client = createCluster4({ rootNodes: ports.map(port => ({ url: url(port) })) });
  client.on("error", ignore);
  await client.connect();
  return { client, close: () => void client.disconnect().catch(ignore) };
}

/** Clients of one server. */
export const SINGLE: [name: string, connect: Connect][] = [
  ["ioredis 5", ioredis],
  ["redis 5", redis5],
  ["redis 5 with RESP3", redis5Resp3],
  ["redis 4", redis4],
];

/** Clients of a cluster. */
export const CLUSTER: [name: string, connect: Connect][] = [
  ["ioredis 5", ioredisCluster],
  ["redis 5", redis5Cluster],
  ["redis 4", redis4Cluster],
];
