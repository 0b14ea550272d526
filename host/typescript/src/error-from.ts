/** Errors of Tidegate's from plain data. */

import { isPlain } from "./config.js";
import * as errors from "./errors.js";
import { isTidegateError, type TidegateError, type TidegateErrorCode } from "./errors.js";
import { CircuitOpenError } from "./strategies/circuit-breaker/errors.js";
import { CostNeverFitsError, RateLimitError } from "./strategies/rate-limiter/errors.js";

const CLASSES: Readonly<Record<TidegateErrorCode, { readonly prototype: TidegateError }>> = {
  config: errors.ConfigError,
  input: errors.InputError,
  "cost-never-fits": CostNeverFitsError,
  "rate-limited": RateLimitError,
  "circuit-open": CircuitOpenError,
  "call-timed-out": errors.CallTimeoutError,
  store: errors.StoreError,
  overloaded: errors.OverloadedError,
  contended: errors.ContendedError,
  component: errors.ComponentError,
  misuse: errors.MisuseError,
};

/** How deep causes are followed. */
const MAX_CAUSES = 8;

/**
 * The error that this is the plain data of, as `toJSON` makes it or `JSON.stringify` wrote it and
 * it was read again: of its class, with its fields, its stack and its cause. An error of Tidegate's
 * is itself; undefined where it is neither.
 *
 * @example
 * ```ts
 * port.postMessage(error.toJSON());
 * port.on("message", data => {
 *   const error = errorFrom(data);
 *   if (isRateLimitError(error)) console.log(error.retryAfterMs);
 * });
 * ```
 */
export function errorFrom(data: unknown): TidegateError | undefined {
  return read(data, 0);
}

function read(data: unknown, depth: number): TidegateError | undefined {
  if (isTidegateError(data)) return data;
  if (!isPlain(data) || typeof data["code"] !== "string" || typeof data["message"] !== "string") return undefined;
  const { code } = data;
  if (!Object.hasOwn(CLASSES, code)) return undefined;
  const error: TidegateError = Object.setPrototypeOf(made(data, depth), CLASSES[code as TidegateErrorCode].prototype);
  const { message: _message, stack: _stack, cause: _cause, ...fields } = data;
  return Object.assign(error, fields);
}

/** An error with message, stack and cause. */
function made({ message, stack, ...others }: Record<string, unknown>, depth: number): Error {
  const error = new Error(`${message}`, "cause" in others ? { cause: causeIn(others["cause"], depth) } : undefined);
  return typeof stack === "string" ? hidden(error, "stack", stack) : error;
}

/** An error of somebody else's has its fields and its name, and no class of its own any more. */
function causeIn(cause: unknown, depth: number): unknown {
  const isError = isPlain(cause) && typeof cause["message"] === "string" && typeof cause["name"] === "string";
  if (!isError || depth === MAX_CAUSES) return cause;
  const own = read(cause, depth + 1);
  if (own !== undefined) return own;
  const { name, message: _message, stack: _stack, cause: _cause, ...fields } = cause;
  return Object.assign(hidden(made(cause, depth + 1), "name", name), fields);
}

/** Sets what every error has without showing it among its fields. */
function hidden(error: Error, name: string, value: unknown): Error {
  return Object.defineProperty(error, name, { value, writable: true, configurable: true });
}
