/** How a store fails. */

import { isStoreError, StoreError } from "../errors.js";
import type { Reply } from "./store.js";

/** Answers to commits that were given up, which may still come. */
const lateReplies = new WeakMap<StoreError, Promise<Reply>>();

/**
 * No answer within the time limit of one operation. Whether the commit was applied is not known.
 *
 * @param late the answer, should it come after all
 */
export function timedOut(timeoutMs: number, late?: Promise<Reply>): StoreError {
  const error = new StoreError("timed-out", `the store did not answer within ${timeoutMs} ms`);
  if (late === undefined) return error;
  // Nobody may be there to hear that it will not come.
  late.catch(() => undefined);
  lateReplies.set(error, late);
  return error;
}

/** The answer to a commit that failed with this, should it come after all. */
export function lateReply(error: unknown): Promise<Reply> | undefined {
  return lateReplies.get(error as StoreError);
}

/**
 * The store cannot be reached, or the connection broke. Whether the commit was applied is not
 * known.
 */
export function away(why: string, cause?: unknown): StoreError {
  return new StoreError("away", `the store is away: ${why}`, cause === undefined ? undefined : { cause });
}

/** The store answered with an error: no rights, out of memory, read-only. Nothing was applied. */
export function refused(why: string, cause?: unknown): StoreError {
  return new StoreError("refused", `the store refused the commit: ${why}`, cause === undefined ? undefined : { cause });
}

/** The store holds as many entities as it may. Nothing was applied. */
export function full(capacity: number): StoreError {
  return new StoreError("full", `the store is full: it holds ${capacity} entities`);
}

/**
 * Whether an error says that a store cannot do its work. One that is full can, for the entities
 * that it holds.
 */
export function isOutage(error: unknown): error is StoreError {
  return isStoreError(error) && error.reason !== "full";
}
