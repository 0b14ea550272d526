/** The functions of workflow engines: each call brings a circuit breaker node's settings. */

import type { PlatformSignal } from "../../../attempt.js";
import type { Core } from "../../../core.js";
import { ConfigError } from "../../../errors.js";
import type { NodeOptions } from "../../../nodes/asking.js";
import { Cache } from "../../../nodes/cache.js";
import { configText } from "../../../nodes/config.js";
import type { Operation } from "../guarded.js";
import { type CallOptions, checkOperation } from "../options.js";
import { CircuitBreakerNode } from "./index.js";
import type { CircuitBreakerResult, Guarded } from "./result.js";

/** How an operation is guarded whose settings come with it. */
export type NodeCallOptions<R = unknown> = CallOptions<R>;

/** The circuit breaker nodes of a gate. */
export class CircuitBreakerNodes {
  readonly #nodes: Cache<CircuitBreakerNode>;

  constructor(core: Core) {
    this.#nodes = new Cache(config => new CircuitBreakerNode(core, config));
  }

  opened(config: unknown): CircuitBreakerNode {
    return this.#nodes.get(configText(config));
  }

  async execute(config: unknown, context: object | string, options?: NodeOptions): Promise<unknown> {
    const node = this.opened(config);
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
    return this.opened(config).guarded(made, options, operation.length > 1);
  }

  /** A circuit that is named twice: whoever names two has mistaken one for the other. */
  #circuit(circuitId: string, config: unknown): CircuitBreakerNode {
    const node = this.opened(config);
    if (node.circuitId === circuitId) return node;
    const allowed = `${JSON.stringify(circuitId)}, the circuit of the call`;
    const problem = { path: "circuitId", value: JSON.stringify(node.circuitId), allowed };
    throw new ConfigError("circuit breaker node", [problem]);
  }
}
