/** What all errors have. */

import { type PlainError, plainError } from "./plain-error.js";

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

/** The code of an error of Tidegate's; undefined where it is another's. */
export function codeOf(error: unknown): unknown {
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
