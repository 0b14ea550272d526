/**
 * Errors: classes with a `code`, and predicates that know them even from another copy of this
 * package in the same process.
 */

import { type PlainError, plainError } from "./plain-error.js";
import type { Problem } from "./problem.js";
import type { CircuitReport } from "./strategies/circuit-breaker/report.js";
import type { Decision } from "./strategies/rate-limiter/decision.js";

/** What kind of error it is; for programs to compare. */
export type TidegateErrorCode =
  | "config"
  | "input"
  | "cost-never-fits"
  | "rate-limited"
  | "circuit-open"
  | "call-timed-out"
  | "store"
  | "overloaded"
  | "contended"
  | "component"
  | "misuse";

const BRAND = Symbol.for("tidegate.error");

/** The base of all errors that Tidegate raises. */
export abstract class TidegateError extends Error {
  /** What kind of error it is. */
  abstract readonly code: TidegateErrorCode;

  /** @internal */
  get [BRAND](): TidegateErrorCode {
    return this.code;
  }

  /**
   * The error as plain data: name, message, code, its fields, stack and cause. `JSON.stringify`
   * uses it, {@link errorFrom} makes an error of it again, and it goes where an error of a class
   * does not: `structuredClone` and `postMessage` keep no fields of an error.
   */
  toJSON(): PlainError {
    return plainError(this);
  }
}

/** A configuration or an argument is wrong: everything that is. */
export class ConfigError extends TidegateError {
  override readonly name: string = "ConfigError";
  readonly code = "config";
  /** What is wrong, with each path as the caller wrote it. */
  readonly problems: readonly Problem[];

  /** @param what what is wrong, such as `rate limiter "api"` */
  constructor(what: string, problems: readonly Problem[]) {
    super(`${what} is not a valid configuration: ${listOf(problems)}`);
    this.problems = problems;
  }
}

/**
 * What a workflow node was given is not what its configuration needs: a key that is missing, a
 * token that is none.
 */
export class InputError extends TidegateError {
  override readonly name: string = "InputError";
  readonly code = "input";

  constructor(
    /** The type of the node: `rate-limiter` or `circuit-breaker`. */
    readonly node: string,
    /** All that is wrong, with paths such as `context.userId` and `token`. */
    readonly problems: readonly Problem[],
  ) {
    super(`the ${node} node cannot go on: ${listOf(problems)}`);
  }
}

function listOf(problems: readonly Problem[]): string {
  const isRoot = (path: string) => path === "" || path === ".";
  const lines = problems.map(
    ({ path, value, allowed }) => `${isRoot(path) ? "it" : path} is ${value}, must be ${allowed}`,
  );
  return lines.join("; ");
}

/** The cost is above what a limit can ever admit at once. Waiting does not help. */
export class CostNeverFitsError extends TidegateError {
  override readonly name: string = "CostNeverFitsError";
  readonly code = "cost-never-fits";

  constructor(
    /** The limiter's name. */
    readonly limiter: string,
    /** The cost asked for. */
    readonly cost: number,
    /** Which limit admits the least, counted from 0. */
    readonly binding: number,
    /** The most that it admits at once: the limit; for GCRA and token bucket the burst. */
    readonly limit: number,
    /** Permits that count against it now. */
    readonly count: number,
    /** How many it would allow now. */
    readonly remaining: number,
  ) {
    const of = `limits[${binding}] of rate limiter ${JSON.stringify(limiter)}`;
    super(`a cost of ${cost} can never fit in ${of}, which admits ${limit} at once; ${count} count now`);
  }
}

/** The rate limiter denied the call. */
export class RateLimitError extends TidegateError {
  override readonly name: string = "RateLimitError";
  readonly code = "rate-limited";

  constructor(
    /** The limiter's name. */
    readonly limiter: string,
    /** Its decision. */
    readonly decision: Decision,
  ) {
    const { reason, retryAfterMs } = decision;
    super(`rate limiter ${JSON.stringify(limiter)} denied the call (${reason}), retry after ${retryAfterMs} ms`);
  }

  /** Milliseconds until the same call would be accepted if nobody else came. */
  get retryAfterMs(): number {
    return this.decision.retryAfterMs;
  }
}

/** The circuit refused the call: it failed fast. */
export class CircuitOpenError extends TidegateError {
  override readonly name: string = "CircuitOpenError";
  readonly code = "circuit-open";

  constructor(
    /** The circuit's name. */
    readonly circuit: string,
    /** The circuit. */
    readonly report: CircuitReport,
  ) {
    const { state, retryAfterMs } = report;
    super(`circuit ${JSON.stringify(circuit)} is ${state} and refused the call, retry after ${retryAfterMs} ms`);
  }

  /** Milliseconds until a call may be admitted; 0: not known. */
  get retryAfterMs(): number {
    return this.report.retryAfterMs;
  }
}

/** A guarded call took longer than its `timeoutMs` and was given up. It counts as a failure. */
export class CallTimeoutError extends TidegateError {
  override readonly name: string = "CallTimeoutError";
  readonly code = "call-timed-out";

  constructor(
    /** How long it might take, in milliseconds. */
    readonly timeoutMs: number,
  ) {
    super(`the call took longer than ${timeoutMs} ms and was given up`);
  }
}

/** Why a store did not answer. */
export type StoreErrorReason = "timed-out" | "away" | "refused" | "full";

/**
 * The store did not answer. Whether the commit was applied is not known, except for `refused` and
 * `full`: it was not.
 */
export class StoreError extends TidegateError {
  override readonly name: string = "StoreError";
  readonly code = "store";

  constructor(
    /**
     * `timed-out`: no answer within the time limit. `away`: it cannot be reached, or the connection
     * broke. `refused`: it answered with an error. `full`: it holds as many entities as it may.
     */
    readonly reason: StoreErrorReason,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/**
 * The line of this process is full: so many of its calls wait for the store already. Nothing was
 * sent, and it says nothing of the store.
 */
export class OverloadedError extends TidegateError {
  override readonly name: string = "OverloadedError";
  readonly code = "overloaded";

  constructor(
    /** How many calls wait. */
    readonly waiting: number,
    /** How many may. */
    readonly maxWaiting: number,
  ) {
    super(`the line is full: ${waiting} calls of this process wait for the store, and at most ${maxWaiting} may`);
  }
}

/** Others changed the same entity again and again while this call tried to. Nothing was charged. */
export class ContendedError extends TidegateError {
  override readonly name: string = "ContendedError";
  readonly code = "contended";

  constructor(
    /** How many times it tried. */
    readonly attempts: number,
  ) {
    super(`the call met other hosts' changes ${attempts} times in a row and gave up`);
  }
}

/**
 * The component cannot be used or failed, on two instances one after the other: a defect. Nothing
 * was charged.
 */
export class ComponentError extends TidegateError {
  override readonly name: string = "ComponentError";
  readonly code = "component";
}

/** The call cannot be made so: on this store, or any more. */
export class MisuseError extends TidegateError {
  override readonly name: string = "MisuseError";
  readonly code = "misuse";
}

function codeOf(error: unknown): unknown {
  if (typeof error !== "object" || error === null) return undefined;
  try {
    return (error as { [BRAND]?: unknown })[BRAND];
  } catch {
    // A revoked proxy, or one that throws: none of ours.
    return undefined;
  }
}

/** Whether it is any error of Tidegate's. */
export function isTidegateError(error: unknown): error is TidegateError {
  return codeOf(error) !== undefined;
}

/** Whether a configuration or an argument is wrong. */
export function isConfigError(error: unknown): error is ConfigError {
  return codeOf(error) === "config";
}

/** Whether a workflow node was given what its configuration cannot do with. */
export function isInputError(error: unknown): error is InputError {
  return codeOf(error) === "input";
}

/** Whether the cost can never fit. */
export function isCostNeverFitsError(error: unknown): error is CostNeverFitsError {
  return codeOf(error) === "cost-never-fits";
}

/** Whether a rate limiter denied the call. */
export function isRateLimitError(error: unknown): error is RateLimitError {
  return codeOf(error) === "rate-limited";
}

/** Whether a circuit refused the call. */
export function isCircuitOpenError(error: unknown): error is CircuitOpenError {
  return codeOf(error) === "circuit-open";
}

/** Whether a guarded call took longer than it might. */
export function isCallTimeoutError(error: unknown): error is CallTimeoutError {
  return codeOf(error) === "call-timed-out";
}

/**
 * Whether the store was silent or could not be reached, so that the caller may choose to go on
 * without it. One that refused, for want of rights or of memory, or is full, has answered.
 */
export function isStoreAway(error: unknown): error is StoreError {
  return isStoreError(error) && (error.reason === "timed-out" || error.reason === "away");
}

/** Whether the store gave no answer, or refused. */
export function isStoreError(error: unknown): error is StoreError {
  return codeOf(error) === "store";
}

/** Whether so many calls of this process wait for the store that no more may. */
export function isOverloadedError(error: unknown): error is OverloadedError {
  return codeOf(error) === "overloaded";
}

/** Whether the call met other hosts' changes too often. */
export function isContendedError(error: unknown): error is ContendedError {
  return codeOf(error) === "contended";
}

/** Whether the component cannot be used or failed. */
export function isComponentError(error: unknown): error is ComponentError {
  return codeOf(error) === "component";
}

/** Whether the call cannot be made so. */
export function isMisuseError(error: unknown): error is MisuseError {
  return codeOf(error) === "misuse";
}
