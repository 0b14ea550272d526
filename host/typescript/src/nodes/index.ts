/**
 * Workflow nodes: the rate limiter and the circuit breaker behind the JSON that workflow engines
 * send.
 *
 * A node is opened on its settings and used for many contexts; or the settings come with each call
 * of a function.
 */

export type { FallbackAction, Subject } from "../runtime/guest.js";
export { CircuitBreakerNode } from "../strategies/circuit-breaker/node/index.js";
export { RateLimiterNode } from "../strategies/rate-limiter/node/index.js";
export type { NodeOptions } from "./asking.js";
export type { CircuitBreakerNodeConfig, RateLimiterNodeConfig } from "./config.js";
export * from "./default.js";
export type { NodeCallOptions } from "./functions.js";
export type { NodeDefinition, NodePort } from "./registry.js";
export type {
  CircuitBreakerResult,
  CircuitPassage,
  Guarded,
  NodeStep,
  Passage,
  RateLimiterResult,
  WithResult,
} from "./result.js";
