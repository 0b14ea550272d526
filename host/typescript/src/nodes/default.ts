/** The functions of workflow engines on a gate that the process shares. */

import type { PlatformSignal } from "../attempt.js";
import { Tidegate } from "../gate.js";
import type { Given } from "../hoisted.js";
import type { NodeOptions } from "./asking.js";
import type { CircuitBreakerNodeConfig, RateLimiterNodeConfig } from "./config.js";
import type { NodeCallOptions } from "./functions.js";
import type { NodeDefinition } from "./registry.js";
import type { CircuitBreakerResult, Guarded, RateLimiterResult, WithResult } from "./result.js";

let shared: Tidegate | undefined;

/**
 * The gate of this module's functions: on a memory of its own until {@link setDefaultGate} sets
 * another.
 */
function gate(): Tidegate {
  shared ??= new Tidegate();
  return shared;
}

/**
 * Sets the gate that {@link executeRateLimiterNode} and its like use in this process, such as one
 * on Redis; undefined: a new one on memory.
 */
export function setDefaultGate(gate: Tidegate | undefined): void {
  shared = gate;
}

/** {@link Tidegate.executeRateLimiterNode} of the gate that the process shares. */
export function executeRateLimiterNode<const Config>(
  config: Given<Config, RateLimiterNodeConfig> | string,
  context: string,
  options?: NodeOptions,
): Promise<string>;
export function executeRateLimiterNode<const Config, Context extends object>(
  config: Given<Config, RateLimiterNodeConfig> | string,
  context: Context,
  options?: NodeOptions,
): Promise<WithResult<Context, Config, RateLimiterResult>>;
export function executeRateLimiterNode(
  config: RateLimiterNodeConfig | string,
  context: object | string,
  options?: NodeOptions,
): Promise<unknown> {
  return gate().executeRateLimiterNode(config, context as string, options);
}

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

/** {@link Tidegate.nodeRegistry} of the gate that the process shares. */
export function nodeRegistry(): NodeDefinition[] {
  return gate().nodeRegistry();
}
