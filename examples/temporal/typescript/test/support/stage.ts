/**
 * What a test of activities stands on: a real Redis, a real HTTP server, and gates of workers on
 * them.
 */

import { randomUUID } from "node:crypto";
import { ApplicationFailure } from "@temporalio/activity";
import { MockActivityEnvironment } from "@temporalio/testing";
import { DefaultLogger } from "@temporalio/worker";
import type { CircuitBreakerConfig, RateLimiterConfig } from "tidegate";
import { afterAll, beforeAll, expect } from "vitest";
import { createActivities } from "../../src/activities.js";
import { type OpenGate, openGate } from "../../src/gate.js";
import { createNodeActivities } from "../../src/nodes.js";
import type { Order } from "../../src/orders.js";
import { PaymentServer } from "../../src/payment-server.js";
import { PaymentApi } from "../../src/payments.js";
import { type RedisServer, startRedis } from "./redis.js";

/** What a test says of its limiter and circuit; names are unique to a test. */
export interface Settings {
  readonly limiter?: Partial<RateLimiterConfig>;
  readonly circuit?: Partial<CircuitBreakerConfig>;
}

const DEFAULTS = {
  limiter: { limits: [{ limit: 1, window: "minute" }], onLimit: { behavior: "queue", maxSize: 10, timeoutMs: 60_000 } },
  circuit: { trip: { consecutive: 2 }, openMs: 20_000, ignored: [{ part: "code", pattern: "4??" }] },
} as const;

/** Starts the servers before the tests of a file, and stops them after. */
export class Stage {
  #redis: RedisServer | undefined;
  #payments: PaymentServer | undefined;
  readonly #gates: OpenGate[] = [];

  constructor() {
    beforeAll(async () => {
      this.#redis = await startRedis();
      this.#payments = await PaymentServer.start();
    });
    afterAll(async () => {
      for (const gate of this.#gates) await gate.close();
      await this.#payments?.close();
      await this.#redis?.stop();
    });
  }

  /** The payment API. */
  get payments(): PaymentServer {
    if (this.#payments === undefined) throw new Error("the servers run while tests do");
    return this.#payments;
  }

  /** A gate of its own, as each worker process has one. */
  gate(): OpenGate["gate"] {
    if (this.#redis === undefined) throw new Error("the servers run while tests do");
    const opened = openGate(this.#redis.url);
    this.#gates.push(opened);
    return opened.gate;
  }

  /**
   * A worker's activities, and the limiter to look at. Workers of one name share their limiter and
   * circuit.
   */
  worker(settings: Settings = {}, name: string = randomUUID()) {
    const gate = this.gate();
    const limiter = gate.rateLimiter({ name, ...DEFAULTS.limiter, ...settings.limiter });
    const circuit = gate.circuitBreaker({ name, ...DEFAULTS.circuit, ...settings.circuit });
    const payments = new PaymentApi(this.payments.url);
    return { limiter, activities: createActivities({ limiter, circuit, payments }) };
  }

  /** The activities of nodes of a worker. */
  nodeWorker() {
    return createNodeActivities(this.gate(), new PaymentApi(this.payments.url));
  }
}

/**
 * An environment for one activity, as a worker would run it; what it logs of failures is for the
 * test to judge.
 */
export function environment(): MockActivityEnvironment {
  return new MockActivityEnvironment({}, { logger: new DefaultLogger("ERROR", () => {}) });
}

/** An order of its own for a merchant. */
export function orderOf(merchantId: string, priority = 0): Order {
  return { orderId: randomUUID(), merchantId, amountCents: 1_999, priority };
}

/** The failure that something ends in. */
export async function failureOf(work: Promise<unknown>): Promise<ApplicationFailure> {
  const error = await work.then(
    value => expect.fail(`it gave ${JSON.stringify(value)}`),
    (error: unknown) => error,
  );
  expect(error).toBeInstanceOf(ApplicationFailure);
  return error as ApplicationFailure;
}
