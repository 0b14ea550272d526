/**
 * Calls of the component as data, so that they can wait in line, be repeated and be undone.
 *
 * Numbers are numbers here, though the contract has 64 bits for some: all times are microseconds or
 * milliseconds, and no count grows past 2^53, which is what a store can hold.
 */

import type { Problem } from "./problem.js";

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
  /** 0: not charged to a bucket. */
  fullAtUs: number;
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
  leased: boolean;
  /** 0: no lease was taken. */
  releaseAfterMs: number;
}

/** Why a cost never fits, with the counts of the limit that admits the least. */
export interface WitCostNeverFits {
  cost: number;
  binding: number;
  limit: number;
  count: number;
  remaining: number;
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

/** What a failed call failed with. Empty text where there is none. */
export interface Failure {
  /** The name of the error's type. */
  readonly name: string;
  /** Its message. */
  readonly message: string;
  /** Its code, such as an errno. */
  readonly code: string;
  /** Its status, such as that of an HTTP reply; none unless set. */
  readonly status?: string | undefined;
  /** What caused it, which patterns see as well: of an error and its causes the first 16. */
  readonly causes?: readonly Failure[] | undefined;
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

/** One step of a rate limiter node, as the component says it. */
export interface WitStep {
  done: boolean;
  passed: boolean;
  waitMs: number;
  /** Empty: none. */
  token: string;
  /** JSON text; empty while it is not done. */
  result: string;
}

/** One step of a circuit breaker node, as the component says it. */
export interface WitCircuitStep {
  allowed: boolean;
  /** Empty: no call was admitted. */
  token: string;
  /** JSON text. */
  result: string;
  report: WitReport;
}

/** A call of one of the component's functions on one entity. */
export type Request =
  | { readonly kind: "acquire"; readonly cost: number; readonly priority: number; readonly ticket: number }
  | { readonly kind: "tryAcquire"; readonly cost: number }
  | { readonly kind: "peek"; readonly cost: number }
  | { readonly kind: "refund"; readonly cost: number; readonly chargedAtUs: number; readonly fullAtUs: number }
  | { readonly kind: "charge"; readonly cost: number }
  | { readonly kind: "post"; readonly cost: number }
  | { readonly kind: "release"; readonly now: boolean }
  | { readonly kind: "cancelTicket"; readonly ticket: number }
  | { readonly kind: "forget" }
  | { readonly kind: "admit" }
  | { readonly kind: "succeeded"; readonly permit: CircuitPermit; readonly elapsedMs: number }
  | {
      readonly kind: "failed";
      readonly permit: CircuitPermit;
      readonly elapsedMs: number;
      readonly errors: readonly WitError[];
    }
  | { readonly kind: "cancelled"; readonly permit: CircuitPermit; readonly elapsedMs: number }
  | { readonly kind: "status" }
  | { readonly kind: "setMode"; readonly mode: CircuitMode }
  | { readonly kind: "close" }
  | NodeRequest;

/**
 * A call of one of a workflow node's functions that see an entity. A token is empty where there is
 * none.
 */
export type NodeRequest =
  | { readonly kind: "nodeStep"; readonly priority: number; readonly token: string }
  | { readonly kind: "nodeAbandon"; readonly token: string }
  | { readonly kind: "nodeAdmit" }
  | { readonly kind: "nodeSucceeded"; readonly token: string }
  | { readonly kind: "nodeFailed"; readonly token: string; readonly errors: readonly WitError[] }
  | { readonly kind: "nodeCancelled"; readonly token: string }
  | { readonly kind: "nodeStatus" };

/** What the component answered. */
export type Answer =
  | { readonly kind: "decision"; readonly decision: WitDecision }
  | { readonly kind: "neverFits"; readonly neverFits: WitCostNeverFits }
  | { readonly kind: "wasWaiting"; readonly wasWaiting: boolean }
  | { readonly kind: "released"; readonly permits: number }
  | { readonly kind: "done" }
  | { readonly kind: "report"; readonly report: WitReport }
  | { readonly kind: "step"; readonly step: WitStep }
  | { readonly kind: "wasHeld"; readonly wasHeld: boolean }
  | { readonly kind: "circuitStep"; readonly step: WitCircuitStep }
  | { readonly kind: "problems"; readonly problems: readonly Problem[] };

/** The calls whose answers may give something. */
const GIVING: ReadonlySet<Request["kind"]> = new Set(["acquire", "tryAcquire", "admit", "nodeStep", "nodeAdmit"]);

/** Whether the answer may give something that is taken back if nobody hears it. */
export function gives(request: Request): boolean {
  return GIVING.has(request.kind);
}

/** Whether an answer denies what was asked for. */
export function refuses(answer: Answer): boolean {
  switch (answer.kind) {
    case "decision":
      return answer.decision.verdict === "denied";
    case "report":
      return answer.report.effect.startsWith("refused-");
    case "step":
      return answer.step.done && !answer.step.passed;
    case "circuitStep":
      return answer.step.report.effect.startsWith("refused-");
    case "neverFits":
    case "wasWaiting":
    case "released":
    case "done":
    case "wasHeld":
    case "problems":
      return false;
  }
}

/** Whether what the call changed may be committed later. */
export function settlesLater(answer: Answer): boolean {
  if (answer.kind === "report") return answer.report.settle === "later";
  return answer.kind === "circuitStep" && answer.step.report.settle === "later";
}

/** Whether a call asks to make a call through a circuit. */
export function admits(request: Request): boolean {
  return request.kind === "admit" || request.kind === "nodeAdmit";
}

/**
 * Whether a call changes what another has changed just before, which no rule tells apart: successes
 * of one generation that are no probes.
 */
export function repeats(request: Request, before: Request): boolean {
  if (request.kind !== "succeeded" || before.kind !== "succeeded") return false;
  const { permit } = request;
  return permit.generation === before.permit.generation && permit.probe === 0 && before.permit.probe === 0;
}

/** What takes back what an answer gave; undefined: it gave nothing. */
export function undo(request: Request, answer: Answer): Request | undefined {
  if (answer.kind === "decision" && (request.kind === "acquire" || request.kind === "tryAcquire")) {
    const { ticket, chargedAtUs, fullAtUs } = answer.decision;
    if (ticket !== 0) return { kind: "cancelTicket", ticket };
    return chargedAtUs === 0 ? undefined : { kind: "refund", cost: request.cost, chargedAtUs, fullAtUs };
  }
  if (answer.kind === "report" && request.kind === "admit" && answer.report.effect === "admitted") {
    return { kind: "cancelled", permit: answer.report.permit, elapsedMs: 0 };
  }
  return undoNode(request, answer);
}

function undoNode(request: Request, answer: Answer): Request | undefined {
  if (answer.kind !== "step" && answer.kind !== "circuitStep") return undefined;
  const { token } = answer.step;
  if (token === "") return undefined;
  if (request.kind === "nodeStep") return { kind: "nodeAbandon", token };
  return request.kind === "nodeAdmit" ? { kind: "nodeCancelled", token } : undefined;
}
