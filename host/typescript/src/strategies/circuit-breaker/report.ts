/** What a circuit breaker answers. */

import type { CircuitMode, CircuitPermit, CircuitState, WitCause, WitEffect, WitReport } from "./wit.js";

/**
 * What became of the call or outcome; `refused-away`: the store is away, and the configuration says
 * to refuse then.
 */
export type Effect = WitEffect | "refused-away";

/** Why a circuit's state changed. */
export type Cause = Exclude<WitCause, "none">;

/** A state change. */
export interface Transition {
  /** Why. */
  cause: Cause;
  /** The state before. */
  before: CircuitState;
  /** The state after. */
  after: CircuitState;
}

/** The circuit after a call, an outcome or an order. */
export interface CircuitReport {
  /** What became of it. */
  effect: Effect;
  /** The state. */
  state: CircuitState;
  /** The mode in force. */
  mode: CircuitMode;
  /**
   * The time of the last state change in microseconds since 1970, made unique; 0: none is known.
   */
  generation: number;
  /** The permit, where a call was admitted. */
  permit: CircuitPermit | undefined;
  /** Failures within the time of the failure count rule; 0 without it. */
  failures: number;
  /** Failures since the last success. */
  consecutive: number;
  /** Calls in the sample. */
  calls: number;
  /** Failed calls in the sample. */
  failed: number;
  /** Slow calls in the sample. */
  slow: number;
  /** Failed calls in percent of the sample's. */
  failureRate: number;
  /** Slow calls in percent of the sample's. */
  slowRate: number;
  /** Successes of the half-open circuit so far. */
  successes: number;
  /** Probes in flight. */
  probes: number;
  /**
   * Milliseconds until a call may be admitted, where it would be refused now, rounded up; 0 if that
   * is not known.
   */
  retryAfterMs: number;
  /** When the last failure was counted, in microseconds since 1970. */
  lastFailureUs: number | undefined;
  /**
   * The state change that this very call made; in metrics-only mode, one that it would have made.
   */
  event: Transition | undefined;
  /** Stored values that did not decode and were taken as absent. */
  discarded: number;
  /** Whether the store was away and this is what the configuration says to answer then. */
  degraded: boolean;
}

/** What the component's report is to a caller. */
export function reportOf(wit: WitReport, degraded = false): CircuitReport {
  const { cause, before, after } = wit.event;
  return {
    effect: wit.effect,
    state: wit.state,
    mode: wit.mode,
    generation: wit.generation,
    permit: wit.effect === "admitted" ? permitOf(wit.permit, degraded) : undefined,
    failures: wit.failures,
    consecutive: wit.consecutive,
    calls: wit.calls,
    failed: wit.failed,
    slow: wit.slow,
    failureRate: wit.failureRate,
    slowRate: wit.slowRate,
    successes: wit.successes,
    probes: wit.probes,
    retryAfterMs: wit.retryAfterMs,
    lastFailureUs: wit.lastFailureUs,
    event: cause === "none" ? undefined : { cause, before, after },
    discarded: wit.discarded,
    degraded,
  };
}

function permitOf(permit: CircuitPermit, degraded: boolean): CircuitPermit {
  return degraded ? { ...permit, degraded } : permit;
}

/** The permit of a call that was let go without looking at anything: its outcome counts nowhere. */
export const BLIND_PERMIT: CircuitPermit = { generation: 0, admittedAtUs: 0, probe: 0, degraded: true };

/** What is answered without looking at anything while the store is away. */
export function blindReport(
  effect: "admitted" | "refused-away" | "ignored",
  permit: CircuitPermit | undefined,
  retryAfterMs: number,
): CircuitReport {
  return {
    effect,
    state: effect === "refused-away" ? "open" : "closed",
    mode: "normal",
    generation: 0,
    permit,
    failures: 0,
    consecutive: 0,
    calls: 0,
    failed: 0,
    slow: 0,
    failureRate: 0,
    slowRate: 0,
    successes: 0,
    probes: 0,
    retryAfterMs,
    lastFailureUs: undefined,
    event: undefined,
    discarded: 0,
    degraded: true,
  };
}
