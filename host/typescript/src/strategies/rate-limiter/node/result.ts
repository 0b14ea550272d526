/** What a rate limiter node answers. */

import { given } from "../../../nodes/asking.js";
import type { Refused } from "../../../runtime/refused.js";
import type { WitStep } from "./wit.js";

/** The type of the node. */
export const NODE = "rate-limiter";

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

/** What a step means. */
export function stepIn(answer: WitStep | Refused): NodeStep {
  const step = given(answer, NODE);
  const { done, waitMs, token } = step;
  return done ? { done, ...passageOf(step) } : { done, waitMs, token };
}

function passageOf({ result: json, token }: WitStep): Passage {
  const result: RateLimiterResult = JSON.parse(json);
  return token === "" ? { result, json } : { result, json, token };
}
