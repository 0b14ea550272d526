/** The contract of `wit/circuit-breaker.wit` as jco presents it, tuned: a u64 is a number. */

/** The state of a circuit that a caller sees. */
export type CircuitState = "closed" | "open" | "half-open";

/** What an operator can order. */
export type CircuitMode = "normal" | "forced-open" | "forced-closed" | "disabled" | "metrics-only";

/** What became of a call or an outcome, as the component says it. */
export type WitEffect =
  | "none"
  | "admitted"
  | "refused-open"
  | "refused-probes"
  | "refused-forced"
  | "counted-success"
  | "counted-failure"
  | "counted-slow"
  | "ignored"
  | "late"
  | "ordered";

/** Why a circuit's state changed, as the component says it. */
export type WitCause =
  | "none"
  | "failures"
  | "consecutive"
  | "failure-rate"
  | "slow-rate"
  | "open-elapsed"
  | "probe-failed"
  | "probes-succeeded"
  | "mode"
  | "reset";

/** What a call was admitted with. It is plain data and goes with the outcome, from any host. */
export interface CircuitPermit {
  /** The generation that admitted the call. */
  readonly generation: number;
  /** When, in microseconds since 1970. */
  readonly admittedAtUs: number;
  /** Which probe of a half-open circuit; 0: not a probe. */
  readonly probe: number;
  /**
   * The call was admitted without the store: its outcome counts on the host that admitted it, or
   * nowhere.
   */
  readonly degraded?: boolean;
}

/** An error or one of its causes, as the component takes it. */
export interface WitError {
  readonly name: string;
  readonly message: string;
  readonly code: string;
  readonly status: string;
}

/** A circuit breaker's report, as the component says it. */
export interface WitReport {
  effect: WitEffect;
  state: CircuitState;
  mode: CircuitMode;
  generation: number;
  /** All 0 where no call was admitted. */
  permit: CircuitPermit;
  failures: number;
  consecutive: number;
  calls: number;
  failed: number;
  slow: number;
  failureRate: number;
  slowRate: number;
  successes: number;
  probes: number;
  retryAfterMs: number;
  lastFailureUs: number | undefined;
  event: { cause: WitCause; before: CircuitState; after: CircuitState };
  /** Whether the host must commit what the call changed before it answers. */
  settle: "now" | "later";
  discarded: number;
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

/** What the component exports of it. */
export interface CircuitBreakerGuest {
  readonly circuitBreaker: { readonly Breaker: { open(config: WitBreakerConfig): BreakerResource } };
}
