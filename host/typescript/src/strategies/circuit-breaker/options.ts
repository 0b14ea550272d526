/** How a call is guarded. */

import { wrong } from "../../ask.js";
import type { Signal } from "../../signal.js";
import type { Failure } from "./failure.js";

/**
 * What an error counts by; what it throws, or gives that is no failure, is logged once, and {@link
 * failureOf} takes its place.
 */
export type FailureOf = (error: unknown) => Failure;

/**
 * Whether a result is a failure: `true`, or a failure to be matched with the patterns. All else is
 * a success. What it throws is logged once, and the result is then a success.
 */
export type FailureIf<R> = (result: R) => Failure | boolean | undefined | null;

/** What counts as a failure. */
export interface Counting<R = unknown> {
  /** What an error counts by; {@link failureOf} unless set. */
  readonly failureOf?: FailureOf | undefined;
  /**
   * Whether a result is a failure, such as {@link httpFailure}; no result is unless set. It is
   * given to the caller all the same.
   */
  readonly failureIf?: FailureIf<R> | undefined;
  /**
   * Whether errors of Tidegate's own, as of a limiter or another circuit within the call, count as
   * failures; as the circuit's settings say unless set. A {@link CallTimeoutError} always does.
   */
  readonly countRefusals?: boolean | undefined;
}

/** How a guarded call is made. */
export interface CallOptions<R = unknown> extends Counting<R> {
  /**
   * Gives the call up; the promise rejects with the signal's reason. If that is a `TimeoutError`,
   * as of `AbortSignal.timeout`, the call has failed. Else it was cancelled: it has no outcome, but
   * that it was slow if it took that long.
   */
  readonly signal?: Signal | undefined;
  /**
   * How long the operation may take, in whole milliseconds; 1 to 86,400,000. Then its signal is
   * aborted, the call has failed, and the promise rejects with a {@link CallTimeoutError}.
   */
  readonly timeoutMs?: number | undefined;
}

/** The longest time limit, in milliseconds: an outcome later than that counts nowhere. */
const MAX_MS = 86_400_000;

/** The time limit, if it is one. */
export function checkTimeout(timeoutMs: unknown): void {
  const holds = Number.isInteger(timeoutMs) && (timeoutMs as number) >= 1 && (timeoutMs as number) <= MAX_MS;
  if (!holds && timeoutMs !== undefined) wrong("timeoutMs", timeoutMs, `a whole number from 1 to ${MAX_MS}`);
}

/** Each option, and what it must be where it is set. */
const OPTIONS: Readonly<Record<string, (value: unknown, name: string) => void>> = {
  signal: checkSignal,
  timeoutMs: checkTimeout,
  failureOf: isFunction,
  failureIf: isFunction,
  countRefusals: isFlag,
};

/** The signal, if it is one. */
export function checkSignal(signal: unknown): void {
  const isOne = typeof (signal as Signal | null)?.addEventListener === "function";
  if (!isOne && signal !== undefined) wrong("signal", signal, "an AbortSignal");
}

function isFunction(value: unknown, name: string): void {
  if (typeof value !== "function") wrong(name, value, "a function");
}

function isFlag(value: unknown, name: string): void {
  if (typeof value !== "boolean") wrong(name, value, "true or false");
}

/** What says how a call may end before it ends by itself. */
export const LIMITS: readonly string[] = ["signal", "timeoutMs"];
/** What says what counts. */
export const COUNTING: readonly string[] = ["failureOf", "failureIf", "countRefusals"];

/** Throws what is wrong with a call's options, also one that is none of `known`. */
export function checkOptions(options: object | undefined, ...known: readonly (readonly string[])[]): void {
  if (options === undefined || options === null) return;
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined) continue;
    const check = known.some(names => names.includes(name)) ? OPTIONS[name] : undefined;
    if (check === undefined) wrong(name, value, `left out: the options here are ${known.flat().join(", ")}`);
    check(value, name);
  }
}

/** Throws unless the operation can be called. */
export function checkOperation(operation: unknown): void {
  isFunction(operation, "operation");
}
