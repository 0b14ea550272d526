/** What the component refuses by a list of problems. */

import type { Problem } from "../problem.js";

/** A configuration, or what a node was given, that the component has refused. */
export class Refused {
  constructor(readonly problems: readonly Problem[]) {}
}

/** What the component said where the contract has an error; jco throws it with a `payload`. */
export function payloadOf(error: unknown): unknown {
  return error instanceof Error && "payload" in error ? error.payload : undefined;
}

/** What the component answers, also where the contract has problems for an answer. */
export function orRefused<R>(ask: () => R): R | Refused {
  try {
    return ask();
  } catch (error) {
    const problems = payloadOf(error);
    if (Array.isArray(problems)) return new Refused(problems);
    throw error;
  }
}
