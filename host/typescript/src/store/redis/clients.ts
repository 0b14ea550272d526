/**
 * The clients of Redis that a store can talk through, as far as it needs them: ioredis 5 and the `redis` package 4 and 5, each
 * for one server or for a cluster. They are told apart by what they can do, so this package depends on neither.
 */

import { MisuseError } from "../../errors.js";

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

/** A connection to Redis: ioredis' `Redis` or `Cluster`, or what `createClient` or `createCluster` of `redis` returns. */
export type RedisClient = IoRedisClient | NodeRedisClient;

/** Bytes as both clients take them: a `Buffer`. */
type Bytes = Uint8Array;
type Args = (string | Bytes)[];

// What the clients' methods are, as far as they are used. Their own types name each other's and Node's.

interface IoRedis {
  evalsha(digest: string, keys: number, ...args: Args): Promise<unknown>;
  eval(script: string, keys: number, ...args: Args): Promise<unknown>;
  pipeline(): IoRedisPipeline;
}

interface IoRedisPipeline {
  evalsha(digest: string, keys: number, ...args: Args): unknown;
  exec(): Promise<[error: Error | null, result: unknown][] | null>;
}

interface NodeRedis {
  sendCommand(args: Args): Promise<unknown>;
}

interface NodeRedisCluster {
  sendCommand(firstKey: string | undefined, isReadonly: boolean, args: Args): Promise<unknown>;
}

/** A call of a script. */
export interface ScriptCall {
  readonly keys: readonly string[];
  readonly log: Bytes;
  settle(error: unknown, result: unknown): void;
}

/** A way to send script calls. */
export interface Wire {
  readonly isCluster: boolean;
  /** Sends calls of one tick, together where the client can. Never throws; each call is settled once. */
  send(calls: readonly ScriptCall[], digest: string): void;
  /** Sends a call with the script itself, for a server that does not know it. */
  teach(call: ScriptCall, script: string): void;
}

/**
 * The way to send script calls through a client.
 *
 * @throws a MisuseError if it is none that is known
 */
export function wireOf(client: RedisClient): Wire {
  const found = client as unknown;
  if (has(client, "evalsha") && has(client, "pipeline")) {
    return new IoRedisWire(found as IoRedis, (client as IoRedisClient).isCluster === true);
  }
  if (has(client, "sendCommand") && has(client, "evalSha")) {
    const isCluster = has(client, "getSlotRandomNode");
    return isCluster ? new ClusterWire(found as NodeRedisCluster) : new NodeRedisWire(found as NodeRedis);
  }
  throw new MisuseError("the client is neither of ioredis nor of the package redis");
}

function has(client: RedisClient, method: string): boolean {
  return typeof (client as unknown as Record<string, unknown> | null)?.[method] === "function";
}

/** Settles a call with a promise that may also be missing or thrown in place of. */
function follow(call: ScriptCall, send: () => Promise<unknown>): void {
  try {
    send().then(
      result => call.settle(undefined, result),
      (error: unknown) => call.settle(error, undefined),
    );
  } catch (error) {
    call.settle(error, undefined);
  }
}

/**
 * How many calls are written at once. A pipeline is answered as a whole, so with all calls in one, either the server or this
 * process would have nothing to do.
 */
const PIPELINE = 16;

class IoRedisWire implements Wire {
  readonly isCluster: boolean;
  readonly #client: IoRedis;

  constructor(client: IoRedis, isCluster: boolean) {
    this.#client = client;
    this.isCluster = isCluster;
  }

  send(calls: readonly ScriptCall[], digest: string): void {
    // A pipeline of a cluster must keep to one node, and which one it is only the client knows.
    if (calls.length === 1 || this.isCluster) {
      for (const call of calls) this.#sendOne(call, digest);
    } else if (calls.length <= PIPELINE) {
      this.#pipe(calls, digest);
    } else {
      for (let first = 0; first < calls.length; first += PIPELINE) {
        this.#pipe(calls.slice(first, first + PIPELINE), digest);
      }
    }
  }

  #sendOne(call: ScriptCall, digest: string): void {
    follow(call, () => this.#client.evalsha(digest, call.keys.length, ...call.keys, call.log));
  }

  /** The client writes each command by itself, but a pipeline at once. */
  #pipe(calls: readonly ScriptCall[], digest: string): void {
    const settleAll = (error: unknown) => {
      for (const call of calls) call.settle(error, undefined);
    };
    try {
      const pipeline = this.#client.pipeline();
      for (const call of calls) pipeline.evalsha(digest, call.keys.length, ...call.keys, call.log);
      pipeline.exec().then(results => {
        calls.forEach((call, index) => {
          const [error, result] = results?.[index] ?? [new Error("the pipeline has no answer"), undefined];
          call.settle(error ?? undefined, result);
        });
      }, settleAll);
    } catch (error) {
      settleAll(error);
    }
  }

  teach(call: ScriptCall, script: string): void {
    follow(call, () => this.#client.eval(script, call.keys.length, ...call.keys, call.log));
  }
}

/** The client writes what a tick brings at once by itself. */
class NodeRedisWire implements Wire {
  readonly isCluster = false;
  readonly #client: NodeRedis;

  constructor(client: NodeRedis) {
    this.#client = client;
  }

  send(calls: readonly ScriptCall[], digest: string): void {
    for (const call of calls) follow(call, () => this.#client.sendCommand(args("EVALSHA", digest, call)));
  }

  teach(call: ScriptCall, script: string): void {
    follow(call, () => this.#client.sendCommand(args("EVAL", script, call)));
  }
}

class ClusterWire implements Wire {
  readonly isCluster = true;
  readonly #client: NodeRedisCluster;

  constructor(client: NodeRedisCluster) {
    this.#client = client;
  }

  send(calls: readonly ScriptCall[], digest: string): void {
    for (const call of calls) this.#send(call, args("EVALSHA", digest, call));
  }

  teach(call: ScriptCall, script: string): void {
    this.#send(call, args("EVAL", script, call));
  }

  #send(call: ScriptCall, args: Args): void {
    follow(call, () => this.#client.sendCommand(call.keys[0], false, args));
  }
}

function args(verb: string, script: string, { keys, log }: ScriptCall): Args {
  return [verb, script, String(keys.length), ...keys, log];
}
