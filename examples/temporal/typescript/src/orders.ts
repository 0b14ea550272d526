/**
 * What the workflows and activities hand to each other: plain JSON, the same in Python. Times are
 * milliseconds.
 */

import type { CircuitBreakerNodeConfig, RateLimiterNodeConfig } from "tidegate";

/** An order to be paid. */
export interface Order {
  readonly orderId: string;
  /** Whose account pays. All orders of a merchant share its rate limit. */
  readonly merchantId: string;
  readonly amountCents: number;
  /** In the queue, higher goes first. */
  readonly priority: number;
}

/** What the payment API answers. */
export interface Payment {
  readonly paymentId: string;
}

/** What an order came to. */
export interface Receipt extends Payment {
  /** How often the workflow had its turn. */
  readonly turns: number;
  /** What the workflow was told to wait in the queue, summed up. */
  readonly queuedMs: number;
}

/** One step towards a permit. */
export interface Step<Held> {
  /** Whether it is this order's turn. If not: come back with `held` after `waitMs`. */
  readonly go: boolean;
  readonly waitMs: number;
  /**
   * What the step has taken: a place in the queue, or the permit itself. It is brought back, or
   * given back.
   */
  readonly held: Held;
}

/** What a step at the rate limiter has taken. */
export interface Place {
  /** A place in the queue. */
  readonly ticket?: number;
  /** A permit, charged at this time in microseconds since 1970. */
  readonly chargedAtUs?: number;
}

/** What a workflow editor sends with an order. */
export interface NodePolicies {
  /** A rate limiter node's configuration. */
  readonly rateLimiter: RateLimiterNodeConfig;
  /** A circuit breaker node's configuration. */
  readonly circuitBreaker: CircuitBreakerNodeConfig;
}

/** Any JSON object. */
export type JsonObject = { readonly [name: string]: unknown };

/** A step of a rate limiter node: at the end with the context that has its result. */
export interface NodeStep extends Step<string> {
  readonly context?: JsonObject;
}

/** The details of a failure after which a later attempt may do better. */
export interface RetryAfter {
  readonly retryAfterMs: number;
}
