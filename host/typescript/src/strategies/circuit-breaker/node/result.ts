/** What a circuit breaker node answers. */

import { given } from "../../../nodes/asking.js";
import { type CircuitReport, reportOf } from "../report.js";
import type { CircuitState } from "../wit.js";
import type { NodeAnswer } from "./request.js";

/** The type of the node. */
export const NODE = "circuit-breaker";

/** The result of a circuit breaker node. */
export interface CircuitBreakerResult {
  /** Whether the call may be, or was, made. */
  readonly allowed: boolean;
  /** The circuit's state. */
  readonly circuitState: CircuitState;
  /** Whether the call was refused. */
  readonly failedFast: boolean;
  /** Whether it was refused and has the fallback value for its result. */
  readonly fallbackUsed: boolean;
  /** Failures within the failure window, counted up to the threshold. */
  readonly failureCount: number;
  /** Successes of the half-open circuit so far. */
  readonly successCount: number;
  /** When the last failure was counted; absent where that is not known. */
  readonly lastFailure?: Date;
}

/** What a circuit breaker node answers to a call or to its outcome. */
export interface CircuitPassage {
  /** The result. */
  readonly result: CircuitBreakerResult;
  /** The same as JSON text, for {@link CircuitBreakerNode.output}. */
  readonly json: string;
  /** The permit of an admitted call, to bring its outcome with, from any host. */
  readonly token?: string;
  /** The circuit. */
  readonly report: CircuitReport;
}

/** What became of a guarded operation. */
export interface Guarded<R> {
  /**
   * The operation's result or, of a refused call, the fallback value; absent where it was skipped.
   */
  result?: R;
  /** The circuit after it. */
  circuitResult: CircuitBreakerResult;
}

/** What an answer means. */
export function circuitPassageIn(answer: NodeAnswer): CircuitPassage {
  const { result: json, token, report } = given(answer, NODE);
  const passage = { result: circuitResultOf(json), json, report: reportOf(report) };
  return token === "" ? passage : { ...passage, token };
}

function circuitResultOf(json: string): CircuitBreakerResult {
  const { lastFailure, ...rest } = JSON.parse(json);
  return lastFailure === undefined ? rest : { ...rest, lastFailure: new Date(lastFailure) };
}
