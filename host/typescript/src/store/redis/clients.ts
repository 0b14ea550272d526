/**
 * The clients of Redis that a store can talk through, as far as it needs them: ioredis 5 and the
 * `redis` package 4 and 5, each for one server or for a cluster. They are told apart by what they
 * can do, so this package depends on neither.
 */

import { MisuseError } from "../../errors.js";
import type { IoRedisClient, RedisClient } from "./client.js";
import { watchConnection } from "./connection.js";

/** Bytes as both clients take them: a `Buffer`. */
type Bytes = Uint8Array;
type Args = (string | Bytes)[];

// What the clients' methods are, as far as they are used. Their own types name each other's and
// Node's.

interface IoRedis {
  evalsha(digest: string, keys: number, ...args: Args): Promise<unknown>;
  eval(script: string, keys: number, ...args: Args): Promise<unknown>;
  /** Its socket, where it is one server's and open. */
  readonly stream?: { cork?(): void; uncork?(): void } | null;
  readonly options?: { readonly autoResendUnfulfilledCommands?: boolean };
}

interface NodeRedis {
  sendCommand(args: Args): Promise<unknown>;
}

interface NodeRedisCluster {
  sendCommand(firstKey: string | undefined, isReadonly: boolean, args: Args): Promise<unknown>;
}

/** A call of the script. */
export interface ScriptCall {
  readonly keys: readonly string[];
  readonly log: Bytes;
  /** Whether anybody still waits for it. */
  readonly isWanted: boolean;
  settle(error: unknown, result: unknown): void;
}

/** A way to send script calls. */
export interface Wire {
  readonly isCluster: boolean;
  /**
   * Sends calls of one tick, together where the client can. Never throws; each call is settled
   * once.
   */
  send(calls: readonly ScriptCall[], digest: string): void;
  /** Sends a call with the script itself, for a server that does not know it. */
  teach(call: ScriptCall, script: string): void;
}

/**
 * The way to send script calls through a client.
 *
 * @throws a MisuseError if it is of no known package
 */
export function wireOf(client: RedisClient): Wire {
  const found = client as unknown;
  if (has(client, "evalsha") && has(client, "pipeline")) {
    return new IoRedisWire(found as IoRedis & RedisClient, (client as IoRedisClient).isCluster === true);
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

type Settled = Pick<ScriptCall, "settle">;

/** Settles a call with a promise that may also be missing or thrown in place of. */
function follow(call: Settled, send: () => Promise<unknown>): void {
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
 * How many calls are written at once. Written one by one they cost a call of the system each;
 * written all together, either the server or this process would have nothing to do.
 */
const WRITTEN_AT_ONCE = 16;

class IoRedisWire implements Wire {
  readonly isCluster: boolean;
  readonly #client: IoRedis;

  /**
   * Calls without an answer, where the client forgets them with the connection and settles none.
   */
  readonly #unanswered: Set<ScriptCall> | undefined;

  constructor(client: IoRedis & RedisClient, isCluster: boolean) {
    this.#client = client;
    this.isCluster = isCluster;
    if (isCluster || client.options?.autoResendUnfulfilledCommands !== false) return;
    this.#unanswered = new Set();
    watchConnection(client, { lost: () => this.#forgotten() });
  }

  /**
   * Not by the client's pipeline: it is answered as a whole, and what it keeps until then costs the
   * collector.
   */
  send(calls: readonly ScriptCall[], digest: string): void {
    for (let first = 0; first < calls.length; first += WRITTEN_AT_ONCE) {
      const stream = calls.length === 1 ? undefined : this.#client.stream;
      stream?.cork?.();
      for (let index = first; index < first + WRITTEN_AT_ONCE && index < calls.length; index++) {
        this.#send(calls[index] as ScriptCall, digest);
      }
      stream?.uncork?.();
    }
  }

  #send(call: ScriptCall, digest: string): void {
    follow(this.#noted(call), () => this.#client.evalsha(digest, call.keys.length, ...call.keys, call.log));
  }

  teach(call: ScriptCall, script: string): void {
    follow(this.#noted(call), () => this.#client.eval(script, call.keys.length, ...call.keys, call.log));
  }

  #noted(call: ScriptCall): Settled {
    const calls = this.#unanswered;
    if (calls === undefined) return call;
    calls.add(call);
    return {
      settle(error, result) {
        if (calls.delete(call)) call.settle(error, result);
      },
    };
  }

  #forgotten(): void {
    const calls = [...(this.#unanswered ?? [])];
    this.#unanswered?.clear();
    for (const call of calls) call.settle(new Error("the connection was closed before an answer came"), undefined);
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
