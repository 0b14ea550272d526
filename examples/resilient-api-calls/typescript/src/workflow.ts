/**
 * The workflow: an item waits for the rate limiter, asks the circuit breaker, and calls the server.
 *
 * Workers of other processes, on other machines or in other languages, share the limit and the
 * circuit if they share the store and the names.
 */

import { Redis } from "ioredis";
import {
  type CircuitBreaker,
  type CircuitReport,
  failureOf,
  isRateLimitError,
  isTidegateError,
  type RateLimiter,
  redisStore,
  Tidegate,
} from "tidegate";

import { withoutPassword } from "./args.js";
import type { Events, Fallback, Outcome, PermitGiven } from "./event.js";

/**
 * What all workers have in common. It goes to a process as JSON, which is the same in every
 * language.
 */
export interface Plan {
  /** The URL of the Redis to share state through; null: memory. */
  redis: string | null;
  /** Whose calls are limited and guarded together. */
  key: string;
  /** Calls a second. */
  rate: number;
  /** How many may wait. */
  queue_size: number;
  /** How long one may wait. */
  queue_timeout_ms: number;
  /** This many failures within ten seconds open the circuit. */
  failures: number;
  /** For how long it opens. */
  open_ms: number;
  /** The URL of the server. */
  server: string;
}

/** How long an answer of the server may take. */
const ANSWER_LIMIT_MS = 2_000;

/**
 * How long an answer of Redis may take: items wait for seconds here, so one that takes a second is
 * not yet a failure.
 */
const STORE_LIMIT_MS = 1_000;

/**
 * Anything but a good answer of the server. Its name, message and code are what patterns in the
 * circuit's settings see.
 */
class StatusError extends Error {
  override readonly name = "StatusError";
  readonly code: string;

  constructor({ status, statusText }: Response) {
    super(`${status} ${statusText}`);
    this.code = String(status);
  }
}

/** A workflow that is ready to run. */
export class Workflow {
  readonly #plan: Plan;
  readonly #events: Events;
  readonly #redis: Redis | null;
  readonly #gate: Tidegate;
  readonly #limiter: RateLimiter;
  readonly #breaker: CircuitBreaker;
  #lastAnswer: string | null = null;

  /** Opens the policies on the store. They are the same in every worker. */
  static async open(plan: Plan, events: Events): Promise<Workflow> {
    // Node loads what fetch needs with the first one. This one goes nowhere, so that no item comes
    // late for that.
    await fetch("data:,");
    return new Workflow(plan, events, plan.redis === null ? null : await connect(plan.redis));
  }

  private constructor(plan: Plan, events: Events, redis: Redis | null) {
    this.#plan = plan;
    this.#events = events;
    this.#redis = redis;
    this.#gate =
      redis === null ? new Tidegate() : new Tidegate({ store: redisStore(redis, { timeoutMs: STORE_LIMIT_MS }) });

    this.#limiter = this.#gate.rateLimiter({
      name: "price-api",
      limits: [{ limit: plan.rate, window: "second" }],
      onLimit: { behavior: "queue", maxSize: plan.queue_size, timeoutMs: plan.queue_timeout_ms },
    });

    const breaker = this.#gate.circuitBreaker({
      name: "price-api",
      trip: { failures: { count: plan.failures, withinMs: 10_000 } },
      openMs: plan.open_ms,
      halfOpen: { probes: 2, successes: 2, permitMs: 5_000 },
    });
    this.#breaker = breaker.keyed(plan.key);
  }

  /** Handles an item and tells what became of it. */
  async handle(item: number): Promise<void> {
    let permit: PermitGiven | null = null;
    let outcome: Outcome;
    try {
      const { decision, waitedMs } = await this.#limiter.acquire(this.#plan.key);
      permit = { at_us: decision.chargedAtUs ?? decision.atUs, waited_us: Math.round(waitedMs * 1_000) };
      outcome = await this.#call(item);
    } catch (error) {
      outcome = isRateLimitError(error) ? "denied" : undecided(error);
    }
    this.#events({ done: { item, permit, outcome } });
  }

  /**
   * Calls the server, unless the circuit refuses that.
   *
   * Where nobody asks for the circuit's reports, `breaker.call(() => this.#request(item))` does all
   * this.
   */
  async #call(item: number): Promise<Outcome> {
    const admission = await this.#breaker.admit();
    this.#tellChange(admission);
    if (admission.permit === undefined) return { "failed-fast": this.#fallBack() };

    const started = performance.now();
    try {
      this.#lastAnswer = await this.#request(item);
    } catch (error) {
      await this.#record(this.#breaker.failed(admission.permit, performance.now() - started, failureOf(error)));
      return { failed: { with: messageOf(error) } };
    }
    await this.#record(this.#breaker.succeeded(admission.permit, performance.now() - started));
    return "passed";
  }

  /** The request itself: anything but a good answer is an error. */
  async #request(item: number): Promise<string> {
    const response = await fetch(`${this.#plan.server}/prices/${item}`, {
      signal: AbortSignal.timeout(ANSWER_LIMIT_MS),
    });
    const answer = await response.text();
    if (!response.ok) throw new StatusError(response);
    return answer;
  }

  async #record(report: Promise<CircuitReport>): Promise<void> {
    try {
      this.#tellChange(await report);
    } catch (error) {
      this.#events({ unrecorded: { error: messageOf(error) } });
    }
  }

  /** What an item that the circuit refused makes do with. */
  #fallBack(): Fallback {
    return this.#lastAnswer === null ? "default" : "last-answer";
  }

  /**
   * Each state change is in the report of the one call that made it, whatever the number of
   * processes.
   */
  #tellChange({ event, generation }: CircuitReport): void {
    if (event === undefined) return;
    const { before, after, cause } = event;
    this.#events({ changed: { at_us: generation, before, after, cause } });
  }

  /** Waits until a shared store has all outcomes, the last successes among them. */
  async close(): Promise<void> {
    await this.#gate.flush();
    this.#redis?.disconnect();
  }
}

/** A connection to the Redis, which stays ours: we close it. */
async function connect(url: string): Promise<Redis> {
  let isConnected = false;
  const redis = new Redis(addressOf(url), {
    lazyConnect: true,
    connectTimeout: STORE_LIMIT_MS,
    // A commit whose answer got lost with the connection may have been applied: sent again, it
    // would charge twice.
    autoResendUnfulfilledCommands: false,
    // A store that is away at the start ends the worker; one that goes away later may come back.
    retryStrategy: times => (isConnected ? Math.min(times * 50, STORE_LIMIT_MS) : null),
  });
  let reason: unknown;
  redis.on("error", error => {
    reason = error;
  });
  try {
    await redis.connect();
  } catch (error) {
    throw new Error(`--store ${withoutPassword(url)}: ${messageOf(reason ?? error)}`, { cause: error });
  }
  isConnected = true;
  return redis;
}

/** The client takes a Unix socket by its path. */
function addressOf(url: string): string {
  return url.startsWith("redis+unix://") ? new URL(url).pathname : url;
}

function undecided(error: unknown): Outcome {
  if (!isTidegateError(error)) throw error;
  return { undecided: { error: error.message } };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
