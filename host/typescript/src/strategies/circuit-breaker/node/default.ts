/** The functions of circuit breaker nodes on the gate that the process shares. */

import type { PlatformSignal } from "../../../attempt.js";
import type { Given } from "../../../hoisted.js";
import type { NodeOptions } from "../../../nodes/asking.js";
import { gate } from "../../../nodes/default.js";
import type { WithResult } from "../../../nodes/result.js";
import type { CircuitBreakerNodeConfig } from "./config.js";
import type { NodeCallOptions } from "./functions.js";
import type { CircuitBreakerResult, Guarded } from "./result.js";

/** {@link Tidegate.executeCircuitBreakerNode} of the gate that the process shares. */
export function executeCircuitBreakerNode<const Config>(
  config: Given<Config, CircuitBreakerNodeConfig> | string,
  context: string,
  options?: NodeOptions,
): Promise<string>;
export function executeCircuitBreakerNode<const Config, Context extends object>(
  config: Given<Config, CircuitBreakerNodeConfig> | string,
  context: Context,
  options?: NodeOptions,
): Promise<WithResult<Context, Config, CircuitBreakerResult>>;
export function executeCircuitBreakerNode(
  config: CircuitBreakerNodeConfig | string,
  context: object | string,
  options?: NodeOptions,
): Promise<unknown> {
  return gate().executeCircuitBreakerNode(config, context as string, options);
}

/** {@link Tidegate.recordCircuitSuccess} of the gate that the process shares. */
export function recordCircuitSuccess<const C>(
  circuitId: string,
  config: Given<C, CircuitBreakerNodeConfig> | string,
): Promise<CircuitBreakerResult> {
  return gate().recordCircuitSuccess(circuitId, config);
}

/** {@link Tidegate.recordCircuitFailure} of the gate that the process shares. */
export function recordCircuitFailure<const C>(
  circuitId: string,
  config: Given<C, CircuitBreakerNodeConfig> | string,
  error: unknown,
): Promise<CircuitBreakerResult> {
  return gate().recordCircuitFailure(circuitId, config, error);
}

/** {@link Tidegate.withCircuitBreaker} of the gate that the process shares. */
export function withCircuitBreaker<const Config, Context, R>(
  config: Given<Config, CircuitBreakerNodeConfig> | string,
  context: Context,
  operation: (context: Context, signal: PlatformSignal) => R | PromiseLike<R>,
  options?: NodeCallOptions<R>,
): Promise<Guarded<R>> {
  return gate().withCircuitBreaker(config, context, operation, options);
}
