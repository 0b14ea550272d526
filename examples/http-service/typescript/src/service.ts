/** The service: a limit for each tenant, and a circuit round the upstream. */

import type { IncomingMessage, ServerResponse } from "node:http";
import {
  type CircuitBreaker,
  httpFailure,
  isCallTimeoutError,
  isCircuitOpenError,
  isStoreError,
  type RateLimiter,
  type Tidegate,
} from "tidegate";
import type { Settings } from "./settings.js";

/** What a request is answered. */
interface Answer {
  readonly status: number;
  readonly body: unknown;
  readonly retryAfterMs?: number;
}

export class Service {
  readonly #gate: Tidegate;
  readonly #settings: Settings;
  readonly #limiter: RateLimiter;
  readonly #upstream: CircuitBreaker;

  constructor(gate: Tidegate, settings: Settings) {
    this.#gate = gate;
    this.#settings = settings;
    this.#limiter = gate.rateLimiter({
      name: "requests",
      limits: [{ limit: settings.limit, window: settings.window }],
      // Without the store each process admits its part of the limit; "error" would turn the request
      // away.
      whenAway: settings.whenAway === "share" ? { share: settings.hosts } : "error",
    });
    this.#upstream = gate.circuitBreaker({ name: "upstream", trip: { consecutive: 5 }, openMs: settings.openMs });
  }

  /** Answers a request. */
  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { status, body, retryAfterMs } = await this.#answer(request);
    // Whole seconds, rounded up: whoever comes back then is not told to wait once more.
    if (retryAfterMs !== undefined) response.setHeader("retry-after", Math.max(1, Math.ceil(retryAfterMs / 1_000)));
    response.writeHead(status, { "content-type": "application/json" });
    response.end(JSON.stringify(body));
  }

  async #answer(request: IncomingMessage): Promise<Answer> {
    try {
      switch (request.url) {
        case "/health":
          return await this.#health();
        case "/work":
          return await this.#work(request.headers["x-tenant"]);
        default:
          return { status: 404, body: { error: "there is only /work and /health" } };
      }
    } catch (error) {
      return failed(error);
    }
  }

  async #work(tenant: string | string[] | undefined): Promise<Answer> {
    if (typeof tenant !== "string" || tenant === "") return { status: 400, body: { error: "x-tenant is missing" } };
    const decision = await this.#limiter.tryAcquire(tenant);
    if (decision.verdict !== "allowed") {
      return { status: 429, body: { error: "too many requests" }, retryAfterMs: decision.retryAfterMs ?? 1_000 };
    }
    const reply = await this.#upstream.call(
      async signal => {
        const reply = await fetch(this.#settings.upstreamUrl, { signal });
        return { status: reply.status, text: await reply.text() };
      },
      { timeoutMs: this.#settings.upstreamTimeoutMs, failureIf: httpFailure },
    );
    if (reply.status !== 200) return { status: 502, body: { error: `the upstream answered ${reply.status}` } };
    return { status: 200, body: { result: reply.text } };
  }

  async #health(): Promise<Answer> {
    const { state } = await this.#upstream.status();
    return { status: 200, body: { store: this.#gate.storeState(), upstream: state } };
  }
}

function failed(error: unknown): Answer {
  if (isCircuitOpenError(error)) {
    return { status: 503, body: { error: "the upstream is down" }, retryAfterMs: error.retryAfterMs };
  }
  if (isCallTimeoutError(error)) return { status: 504, body: { error: "the upstream took too long" } };
  if (isStoreError(error)) return { status: 503, body: { error: error.message }, retryAfterMs: 1_000 };
  return { status: 502, body: { error: "the upstream cannot be reached" } };
}
