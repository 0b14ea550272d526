/**
 * Calls of the component as data, so that they can wait in line, be repeated and be undone.
 *
 * Numbers are numbers here, though the contract has 64 bits for some: all times are microseconds or milliseconds, and no
 * count grows past 2^53, which is what a store can hold.
 */

/** What an answer to a rate limiter's call is; the words of the contract. */
export type Verdict = "allowed" | "wait" | "denied";

/** Why a call must wait or was denied, as the component says it. */
export type WitReason = "none" | "limit" | "max-wait" | "queue-full" | "queue-timeout";

/** A rate limiter's decision, as the component says it: 0 where there is none of something. */
export interface WitDecision {
  verdict: Verdict;
  reason: WitReason;
  atUs: number;
  /** 0: nothing was charged. */
  chargedAtUs: number;
  binding: number;
  count: number;
  limit: number;
  remaining: number;
  resetAfterMs: number;
  retryAfterMs: number;
  waitMs: number;
  /** 0: not in the queue. */
  position: number;
  waiting: number;
  /** 0: none. */
  ticket: number;
  discarded: number;
}

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
}

/** What a failed call failed with. Empty text where there is none. */
export interface Failure {
  /** The name of the error's type. */
  readonly name: string;
  /** Its message. */
  readonly message: string;
  /** Its code, such as an HTTP status or an errno. */
  readonly code: string;
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

/** A call of one of the component's functions on one entity. */
export type Request =
  | { readonly kind: "acquire"; readonly cost: number; readonly priority: number; readonly ticket: number }
  | { readonly kind: "tryAcquire"; readonly cost: number }
  | { readonly kind: "peek"; readonly cost: number }
  | { readonly kind: "refund"; readonly cost: number; readonly chargedAtUs: number }
  | { readonly kind: "cancelTicket"; readonly ticket: number }
  | { readonly kind: "forget" }
  | { readonly kind: "admit" }
  | { readonly kind: "succeeded"; readonly permit: CircuitPermit; readonly elapsedMs: number }
  | { readonly kind: "failed"; readonly permit: CircuitPermit; readonly elapsedMs: number; readonly failure: Failure }
  | { readonly kind: "cancelled"; readonly permit: CircuitPermit }
  | { readonly kind: "status" }
  | { readonly kind: "setMode"; readonly mode: CircuitMode }
  | { readonly kind: "close" };

/** What the component answered. */
export type Answer =
  | { readonly kind: "decision"; readonly decision: WitDecision }
  | { readonly kind: "fault"; readonly fault: "cost-never-fits" }
  | { readonly kind: "wasWaiting"; readonly wasWaiting: boolean }
  | { readonly kind: "done" }
  | { readonly kind: "report"; readonly report: WitReport };

/** Whether the answer may give something that is taken back if nobody hears it. */
export function gives(request: Request): boolean {
  return request.kind === "acquire" || request.kind === "tryAcquire" || request.kind === "admit";
}

/** What takes back what an answer gave; undefined: it gave nothing. */
export function undo(request: Request, answer: Answer): Request | undefined {
  if (answer.kind === "decision" && (request.kind === "acquire" || request.kind === "tryAcquire")) {
    const { ticket, chargedAtUs } = answer.decision;
    if (ticket !== 0) return { kind: "cancelTicket", ticket };
    return chargedAtUs === 0 ? undefined : { kind: "refund", cost: request.cost, chargedAtUs };
  }
  if (answer.kind === "report" && request.kind === "admit" && answer.report.effect === "admitted") {
    return { kind: "cancelled", permit: answer.report.permit };
  }
  return undefined;
}
