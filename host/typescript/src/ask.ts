/** What is asked of a rate limiter, checked: nothing is taken for something else. */

import { ConfigError } from "./errors.js";
import type { Signal } from "./signal.js";

/** How many permits are asked for, and how. */
export interface Ask {
  /** How many permits, all or none; 1 unless set; 0 is a peek. */
  readonly cost?: number | undefined;
  /** In a queue, higher goes first; -2,147,483,648 to 2,147,483,647; 0 unless set. */
  readonly priority?: number | undefined;
}

/** An ask that may be given up. */
export interface AskOptions extends Ask {
  /** Gives up: leaves the queue, or gives the reserved place back. The promise rejects with the signal's reason. */
  readonly signal?: Signal | undefined;
}

/** Throws what is wrong with a call. */
export function wrong(path: string, value: unknown, allowed: string): never {
  const shown = typeof value === "string" ? JSON.stringify(value) : String(value);
  throw new ConfigError("the call", [{ path, value: shown, allowed }]);
}

/** The key, if it is one. */
export function keyOf(key: unknown): string {
  return typeof key === "string" ? key : wrong("key", key, "a text");
}

/** The cost of an ask. */
export function costOf(ask: Ask | undefined): number {
  const cost = ask?.cost;
  if (cost === undefined) return 1;
  return cost >>> 0 === cost ? cost : wrong("cost", cost, "a whole number from 0 to 4294967295");
}

/** The priority of an ask. */
export function priorityOf(ask: Ask | undefined): number {
  const priority = ask?.priority;
  if (priority === undefined) return 0;
  return (priority | 0) === priority
    ? priority
    : wrong("priority", priority, "a whole number from -2147483648 to 2147483647");
}

/** A whole number that is told exactly: a ticket, a time, a length of time. */
export function wholeOf(path: string, value: unknown): number {
  const holds = Number.isSafeInteger(value) && (value as number) >= 0;
  return holds ? (value as number) : wrong(path, value, `a whole number from 0 to ${Number.MAX_SAFE_INTEGER}`);
}
