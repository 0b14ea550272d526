/**
 * Errors: classes with a `code`, and predicates that know them even from another copy of this
 * package in the same process. Those of a strategy are in its folder.
 */

import { codeOf, TidegateError } from "./error-base.js";
import type { Problem } from "./problem.js";

export { isTidegateError, TidegateError, type TidegateErrorCode } from "./error-base.js";

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
 * What a workflow node was given is not what its configuration needs: a key is missing, or a token
 * is not one of its own.
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
 * The backlog of this process is full: as many of its calls wait for the store as may. Nothing was
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

/** Whether a configuration or an argument is wrong. */
export function isConfigError(error: unknown): error is ConfigError {
  return codeOf(error) === "config";
}

/** Whether a workflow node was given what its configuration cannot do with. */
export function isInputError(error: unknown): error is InputError {
  return codeOf(error) === "input";
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

/** Whether the backlog of this process is full. */
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
