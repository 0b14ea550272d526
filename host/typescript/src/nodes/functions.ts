/** The functions of workflow engines, which bring the settings with every call. */

import type { PlatformSignal } from "../attempt.js";
import type { Core } from "../core.js";
import { ConfigError } from "../errors.js";
import type { Operation } from "../strategies/circuit-breaker/guarded.js";
import { CircuitBreakerNode } from "../strategies/circuit-breaker/node/index.js";
import type { CallOptions } from "../strategies/circuit-breaker/options.js";
import { checkOperation } from "../strategies/circuit-breaker/options.js";
import { RateLimiterNode } from "../strategies/rate-limiter/node/index.js";
import { given, type NodeOptions } from "./asking.js";
import { Cache } from "./cache.js";
import { configText } from "./config.js";
import type { CircuitBreakerResult, Guarded } from "./result.js";

/** How an operation is guarded whose settings come with it. */
export type NodeCallOptions<R = unknown> = CallOptions<R>;

/** The nodes of a gate. */
export class Nodes {
  readonly #core: Core;
  readonly #limiters: Cache<RateLimiterNode>;
  readonly #breakers: Cache<CircuitBreakerNode>;

  constructor(core: Core) {
    this.#core = core;
    this.#limiters = new Cache(config => new RateLimiterNode(core, config));
    this.#breakers = new Cache(config => new CircuitBreakerNode(core, config));
  }

  limiter(config: unknown): RateLimiterNode {
    return this.#limiters.get(configText(config));
  }

  breaker(config: unknown): CircuitBreakerNode {
    return this.#breakers.get(configText(config));
  }

  /** JSON text. */
  registry(): string {
    const { runtime } = this.#core;
    return given(
      runtime.ask(instance => instance.registry()),
      "",
    );
  }

  async executeLimiter(config: unknown, context: object | string, options?: NodeOptions): Promise<unknown> {
    const node = this.limiter(config);
    const { result, json, token } = await node.execute(context, options);
    try {
      return typeof context === "string" ? node.output(context, json) : node.put(context, result);
    } catch (error) {
      if (token !== undefined) await node.abandon(context, token);
      throw error;
    }
  }

  async executeBreaker(config: unknown, context: object | string, options?: NodeOptions): Promise<unknown> {
    const node = this.breaker(config);
    const { result, json, token } = await node.execute(options);
    try {
      return typeof context === "string" ? node.output(context, json) : node.put(context, result);
    } catch (error) {
      if (token !== undefined) await node.cancelled(token);
      throw error;
    }
  }

  async succeeded(circuitId: string, config: unknown): Promise<CircuitBreakerResult> {
    return (await this.#circuit(circuitId, config).succeeded()).result;
  }

  async failed(circuitId: string, config: unknown, error: unknown): Promise<CircuitBreakerResult> {
    return (await this.#circuit(circuitId, config).failed(error)).result;
  }

  async guard<Context, R>(
    config: unknown,
    context: Context,
    operation: (context: Context, signal: PlatformSignal) => R | PromiseLike<R>,
    options?: CallOptions<R>,
  ): Promise<Guarded<R>> {
    checkOperation(operation);
    const made: Operation<R> = signal => operation(context, signal);
    return this.breaker(config).guarded(made, options, operation.length > 1);
  }

  /** A circuit that is named twice: whoever names two has mistaken one for the other. */
  #circuit(circuitId: string, config: unknown): CircuitBreakerNode {
    const node = this.breaker(config);
    if (node.circuitId === circuitId) return node;
    const allowed = `${JSON.stringify(circuitId)}, the circuit of the call`;
    const problem = { path: "circuitId", value: JSON.stringify(node.circuitId), allowed };
    throw new ConfigError("circuit breaker node", [problem]);
  }
}
