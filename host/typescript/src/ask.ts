/** What is asked of a rate limiter, checked: nothing is taken for something else. */

import { isUnicode, quoted } from "./config.js";
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
  /**
   * Gives up: leaves the queue, or gives the reserved place back. The promise rejects with the
   * signal's reason.
   */
  readonly signal?: Signal | undefined;
}

/** Throws what is wrong with a call. */
export function wrong(path: string, value: unknown, allowed: string, what = "the call"): never {
  const shown = value === undefined ? "undefined" : quoted(value);
  throw new ConfigError(what, [{ path, value: shown, allowed }]);
}

/** The key, if it is one: not every text of JavaScript can be told to others. */
export function keyOf(key: unknown): string {
  if (typeof key !== "string") return wrong("key", key, "a text");
  return isUnicode(key) ? key : wrong("key", key, "a text in Unicode, with no half of a surrogate pair");
}

/** The options of a call that asks; `key` is that of several. */
const ASKED: ReadonlySet<string> = new Set(["cost", "priority", "signal", "key"]);

/** Throws where an option is set that is not known, such as one that is misspelt. */
export function assertOptions(options: object | undefined, known: ReadonlySet<string>, what = "the call"): void {
  for (const name in options) {
    const value = (options as Record<string, unknown>)[name];
    if (known.has(name) || value === undefined) continue;
    wrong(name, value, `left out: the options are ${[...known].join(", ")}`, what);
  }
}

/** The cost of an ask. */
export function costOf(ask: Ask | undefined): number {
  assertOptions(ask, ASKED);
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
