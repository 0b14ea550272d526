/** What nodes answer. */

import type { Answer, CircuitState, WitCircuitStep, WitStep } from "../call.js";
import { InputError, MisuseError } from "../errors.js";
import { type CircuitReport, reportOf } from "../strategies/circuit-breaker/report.js";

/** The result of a rate limiter node. */
export interface RateLimiterResult {
  /** Whether the call may go on. */
  readonly passed: boolean;
  /** Whether it waited in the queue. */
  readonly queued: boolean;
  /** How long it waited, by the store's clock, in milliseconds. */
  readonly waitTime: number;
  /** Its first place in the queue, counted from 1; absent where it never was in it. */
  readonly queuePosition?: number;
  /** How many calls count against the limit now. */
  readonly currentCount: number;
  /** The limit. */
  readonly limit: number;
  /** Milliseconds until no call counts any more. */
  readonly resetIn: number;
}

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

/** The end of a call of a rate limiter node. */
export interface Passage {
  /** The result. */
  readonly result: RateLimiterResult;
  /** The same as JSON text, for {@link RateLimiterNode.output}. */
  readonly json: string;
  /**
   * Passed: what gives the permit back, by {@link RateLimiterNode.abandon}, if the call is not made
   * after all.
   */
  readonly token?: string;
}

/**
 * One step of a call that never sleeps: come back with `token` after `waitMs` milliseconds, in any
 * host; or the end.
 */
export type NodeStep =
  | { readonly done: false; readonly waitMs: number; readonly token: string }
  | ({ readonly done: true } & Passage);

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

/** A context with a node's result in it, as far as the settings' type tells where that goes. */
export type WithResult<Context, Config, Result> = Config extends { readonly outputVariable: infer Name extends string }
  ? string extends Name
    ? Context & Readonly<Record<string, unknown>>
    : Omit<Context, Name> & { readonly [K in Name]: Result }
  : Config extends string
    ? Context & Readonly<Record<string, unknown>>
    : "outputVariable" extends keyof Config
      ? Context & Readonly<Record<string, unknown>>
      : Omit<Context, keyof Result> & Result;

/** What a step means. */
export function stepIn(answer: Answer): NodeStep {
  const step = asked(answer, "rate-limiter");
  if (step.kind !== "step") throw new MisuseError("the answer to another question");
  const { done, waitMs, token } = step.step;
  return done ? { done, ...passageOf(step.step) } : { done, waitMs, token };
}

function passageOf({ result: json, token }: WitStep): Passage {
  const result: RateLimiterResult = JSON.parse(json);
  return token === "" ? { result, json } : { result, json, token };
}

/** What a circuit breaker node's answer means. */
export function circuitPassageIn(answer: Answer): CircuitPassage {
  const step = asked(answer, "circuit-breaker");
  if (step.kind !== "circuitStep") throw new MisuseError("the answer to another question");
  const { result: json, token, report } = step.step;
  const passage = { result: circuitResultOf(step.step), json, report: reportOf(report) };
  return token === "" ? passage : { ...passage, token };
}

function circuitResultOf({ result }: WitCircuitStep): CircuitBreakerResult {
  const { lastFailure, ...rest } = JSON.parse(result);
  return lastFailure === undefined ? rest : { ...rest, lastFailure: new Date(lastFailure) };
}

/** The answer, unless it is what is wrong with the question. */
export function asked(answer: Answer, node: string): Answer {
  if (answer.kind === "problems") throw new InputError(node, answer.problems);
  return answer;
}
