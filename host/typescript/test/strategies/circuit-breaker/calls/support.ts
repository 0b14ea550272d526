/** Servers and circuits for calls that are guarded. */

import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { type CircuitBreakerConfig, ManualClock, Tidegate } from "../../../../src/index.js";

/** A gate on a clock that stands still, and a circuit that opens after two failures in a row. */
export function open(config: Partial<CircuitBreakerConfig> = {}) {
  const clock = new ManualClock();
  const gate = new Tidegate({ clock });
  const breaker = gate.circuitBreaker({ name: "c", trip: { consecutive: 2 }, openMs: 1_000, ...config });
  return { clock, gate, breaker };
}

/** The settings of a circuit breaker node that opens after two failures. */
export const CIRCUIT = {
  circuitId: "c",
  failureThreshold: 2,
  failureWindowMs: 60_000,
  successThreshold: 1,
  halfOpenTimeoutMs: 1_000,
  fallbackAction: "error",
  monitoredErrors: "all",
} as const;

/**
 * A server on the loopback that never answers `/hang`, and any other path with the status that it
 * says.
 */
export class Upstream {
  readonly #server: Server;
  /** How many requests have been given up by their clients. */
  givenUp = 0;

  private constructor() {
    this.#server = createServer((request, response) => {
      response.on("close", () => {
        if (!response.writableEnded) this.givenUp++;
      });
      if (request.url === "/hang") return;
      response.statusCode = Number(request.url?.slice(1));
      response.end("body");
    });
  }

  static async start(): Promise<Upstream> {
    const upstream = new Upstream();
    upstream.#server.listen(0, "127.0.0.1");
    await once(upstream.#server, "listening");
    return upstream;
  }

  at(path: string): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/${path}`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }
}

/** What a promise was rejected with. */
export async function thrownBy(promise: Promise<unknown>): Promise<unknown> {
  let value: unknown;
  try {
    value = await promise;
  } catch (error) {
    return error;
  }
  throw new Error(`it came to ${String(value)}`);
}
