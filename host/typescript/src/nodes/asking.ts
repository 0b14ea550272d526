/** How nodes ask: a decision, or what needs none. */

import type { Core } from "../core.js";
import { InputError } from "../errors.js";
import type { Namespace } from "../key.js";
import { Refused } from "../runtime/refused.js";
import type { Signal } from "../signal.js";
import type { AnswerTo, Policy, Types } from "../strategy.js";

/** How a call is made. */
export interface NodeOptions {
  /**
   * Gives the call up: what it holds is given back, and the promise rejects with the signal's
   * reason.
   */
  readonly signal?: Signal | undefined;
}

/** One entity of a node. */
export interface Entity<T extends Types> {
  readonly core: Core;
  readonly policy: Policy<T>;
  readonly namespace: Namespace;
  readonly key: string;
}

/** Makes a call. */
export async function decide<T extends Types, const R extends T["request"]>(
  at: Entity<T>,
  request: R,
  signal?: Signal,
): Promise<AnswerTo<T, R>> {
  const { core, policy, namespace, key } = at;
  if (signal?.aborted) throw signal.reason;
  if (core.memory !== undefined) return core.callNow(namespace, key, policy, request);
  return core.call(namespace, key, policy, request, signal);
}

/** Takes an outcome in. */
export async function record<T extends Types, const R extends T["request"]>(
  at: Entity<T>,
  request: R,
): Promise<AnswerTo<T, R>> {
  const { core, policy, namespace, key } = at;
  if (core.memory !== undefined) return core.callNow(namespace, key, policy, request);
  return core.record(namespace, key, policy, request);
}

/** What the component said, unless it refused what it was given. */
export function given<R>(answer: R | Refused, node: string): R {
  if (answer instanceof Refused) throw new InputError(node, answer.problems);
  return answer;
}

/** A token as the component takes it; empty: none. */
export function tokenOf(token: unknown, node: string): string {
  if (token === undefined || token === null) return "";
  if (typeof token === "string") return token;
  throw new InputError(node, [{ path: "token", value: String(token), allowed: "the token of a step" }]);
}
