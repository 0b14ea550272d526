/** What the package exports of circuit breakers and their nodes. */

export type { CircuitBreakerConfig, ErrorClass, ErrorPart, ErrorPattern, ProbeRule, Trip } from "./config.js";
export * from "./errors.js";
export { type Failure, failureOf } from "./failure.js";
export type { Operation } from "./guarded.js";
export { httpFailure } from "./http.js";
export { CircuitBreaker, type GuardOptions } from "./index.js";
export type { CircuitBreakerNodeConfig } from "./node/config.js";
export * from "./node/default.js";
export type { NodeCallOptions } from "./node/functions.js";
export { CircuitBreakerNode } from "./node/index.js";
export type { CircuitBreakerResult, CircuitPassage, Guarded } from "./node/result.js";
export type { FallbackAction } from "./node/wit.js";
export type { CallOptions, Counting, FailureIf, FailureOf } from "./options.js";
export { CircuitBreakerPermit } from "./permit.js";
export type { Cause, CircuitReport, Effect, Transition } from "./report.js";
export type { CircuitMode, CircuitPermit, CircuitState } from "./wit.js";
