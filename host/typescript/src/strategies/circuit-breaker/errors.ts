/** Errors of circuits. */

import { codeOf, TidegateError } from "../../error-base.js";
import type { CircuitReport } from "./report.js";

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

/** Whether a circuit refused the call. */
export function isCircuitOpenError(error: unknown): error is CircuitOpenError {
  return codeOf(error) === "circuit-open";
}
