/**
 * The contract of `wit/` as jco presents it, tuned: a u64 is a number. Imports go by their names
 * with and without the version, because jco's types name them with it and its code looks them up
 * without.
 */

import type { CircuitMode, CircuitPermit, WitCircuitStep, WitDecision, WitError, WitReport, WitStep } from "../call.js";
import type { Place } from "./world.js";

/** `kv`, but for `advance`: it returns the verdict and leaves its number in `number`. */
export interface Kv {
  number: number;
  get(at: Place): string | undefined;
  observe(at: Place): string | undefined;
  put(at: Place, value: string | undefined, ttlMs: number): void;
  advance(at: Place, step: number, floor: number, ceiling: number, ttlMs: number): boolean;
  retreat(at: Place, step: number, floor: number): number;
  raise(at: Place, to: number, ttlMs: number): number;
  refusedMs(): number;
}

/** A time as the component reads it. */
export interface Datetime {
  seconds: number;
  nanoseconds: number;
}

/** `wasi:clocks/wall-clock`. */
export interface WallClock {
  now(): Datetime;
  resolution(): Datetime;
}

/** All that the component imports. */
export interface Imports {
  readonly "tidegate:policy/kv": Kv;
  readonly "tidegate:policy/kv@0.1.0": Kv;
  readonly "wasi:clocks/wall-clock": WallClock;
  readonly "wasi:clocks/wall-clock@0.2.4": WallClock;
}

/** A checked rate limiter's configuration in an instance. */
export interface LimiterResource {
  acquire(entity: number, cost: number, priority: number, ticket: number): WitDecision;
  tryAcquire(entity: number, cost: number): WitDecision;
  peek(entity: number, cost: number): WitDecision;
  refund(entity: number, cost: number, chargedAtUs: number, fullAtUs: number): WitDecision;
  charge(entity: number, cost: number): WitDecision;
  cancel(entity: number, ticket: number): boolean;
  reset(entity: number): void;
  release(entity: number, now: boolean): number;
  post(entity: number, cost: number): WitDecision;
  share(hosts: number): LimiterResource;
  basis(): string;
  countsForUs(): bigint;
}

/** A checked circuit breaker's configuration in an instance. */
export interface BreakerResource {
  admit(entity: number): WitReport;
  succeeded(entity: number, permit: CircuitPermit, elapsedMs: number): WitReport;
  failed(entity: number, permit: CircuitPermit, elapsedMs: number, errors: readonly WitError[]): WitReport;
  cancelled(entity: number, permit: CircuitPermit, elapsedMs: number): WitReport;
  status(entity: number): WitReport;
  setMode(entity: number, mode: CircuitMode): WitReport;
  reset(entity: number): WitReport;
}

/** What a rate limiter node limits for one context. */
export interface Subject {
  /** The name of the limiter, which follows from the node's settings. */
  readonly name: string;
  /** The key, as text; empty where the key type is global. */
  readonly key: string;
  /** In a queue, higher goes first. */
  readonly priority: number;
}

/** A checked rate limiter node's configuration in an instance. */
export interface LimiterNodeResource {
  reads(): string[];
  outputVariable(): string | undefined;
  subject(context: string): Subject;
  step(entity: number, priority: number, token: string): WitStep;
  abandon(entity: number, token: string): boolean;
  output(context: string, result: string): string;
}

/** What a refused call gets instead. */
export type FallbackAction = "error" | "default" | "skip";

/** A checked circuit breaker node's configuration in an instance. */
export interface BreakerNodeResource {
  circuitId(): string;
  fallbackAction(): FallbackAction;
  fallbackValue(): string | undefined;
  outputVariable(): string | undefined;
  admit(entity: number): WitCircuitStep;
  succeeded(entity: number, token: string): WitCircuitStep;
  failed(entity: number, token: string, errors: readonly WitError[]): WitCircuitStep;
  cancelled(entity: number, token: string): WitCircuitStep;
  status(entity: number): WitCircuitStep;
  output(context: string, result: string): string;
}

/** What the component exports. */
export interface Guest {
  readonly rateLimiter: { readonly Limiter: { open(config: WitLimiterConfig): LimiterResource } };
  readonly circuitBreaker: { readonly Breaker: { open(config: WitBreakerConfig): BreakerResource } };
  readonly nodes: {
    readonly RateLimiterNode: { open(config: string): LimiterNodeResource };
    readonly CircuitBreakerNode: { open(config: string): BreakerNodeResource };
    registry(): string;
  };
}

/** How permits are counted. */
export type WitAlgorithm =
  | { readonly tag: "sliding-window"; readonly val: { readonly subWindows: number } }
  | { readonly tag: "gcra" | "token-bucket"; readonly val: { readonly burst: number | undefined } }
  | { readonly tag: "fixed-window" | "sliding-window-counter" | "sliding-log" };

/** A limit. */
export interface WitLimit {
  readonly limit: number;
  readonly window: { readonly unit: "millisecond" | "second" | "minute" | "hour" | "day"; readonly count: number };
  readonly algorithm: WitAlgorithm;
}

/** What happens to a call that is over a limit. */
export type WitOnLimit =
  | { readonly tag: "reject" }
  | { readonly tag: "delay"; readonly val: { readonly maxWaitMs: number } }
  | {
      readonly tag: "queue";
      readonly val: { readonly maxSize: number; readonly timeoutMs: number; readonly graceMs: number };
    };

/** A rate limiter's settings. */
export interface WitLimiterConfig {
  readonly limits: readonly WitLimit[];
  readonly onLimit: WitOnLimit;
  readonly lease?: { readonly maxPermits: number; readonly lifeMs: number } | undefined;
}

/** A pattern that an error is matched with. */
export interface WitErrorPattern {
  readonly part: "any" | "name" | "message" | "code" | "status";
  readonly pattern: string;
}

/** What ends the half-open state. */
export type WitProbeRule =
  | { readonly tag: "first-failure" }
  | { readonly tag: "ratio"; readonly val: number }
  | { readonly tag: "rate"; readonly val: { readonly percent: number; readonly of: number } };

/** A circuit breaker's settings. */
export interface WitBreakerConfig {
  readonly trip: {
    readonly failures: { readonly count: number; readonly withinMs: number } | undefined;
    readonly consecutive: number | undefined;
    readonly failureRate: { readonly percent: number } | undefined;
    readonly slowRate: { readonly percent: number; readonly slowerThanMs: number } | undefined;
    readonly sample: { readonly tag: "window-ms" | "calls"; readonly val: number };
    readonly minimumCalls: number;
  };
  readonly openMs: number;
  readonly backoff: { readonly factor: number; readonly capMs: number } | undefined;
  readonly halfOpen: {
    readonly probes: number;
    readonly successes: number;
    readonly permitMs: number;
    readonly rule: WitProbeRule;
  };
  readonly monitored: readonly WitErrorPattern[];
  readonly others: "ignored" | "success";
  readonly ignored: readonly WitErrorPattern[];
  readonly mode: CircuitMode;
}
