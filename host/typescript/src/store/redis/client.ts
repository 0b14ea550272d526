/** The clients of Redis, as their users give them. */

/** A connection of ioredis, to one server or to a cluster. */
export interface IoRedisClient {
  evalsha(...args: never[]): Promise<unknown>;
  eval(...args: never[]): Promise<unknown>;
  pipeline(): unknown;
  readonly isCluster: boolean;
}

/** A connection of the package `redis`, to one server or to a cluster. */
export interface NodeRedisClient {
  sendCommand(...args: never[]): Promise<unknown>;
  readonly evalSha: unknown;
}

/**
 * A connection to Redis: ioredis' `Redis` or `Cluster`, or what `createClient` or `createCluster`
 * of `redis` returns.
 */
export type RedisClient = IoRedisClient | NodeRedisClient;
