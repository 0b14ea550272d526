/** The gate that the functions of workflow engines share in this process. */

import { Tidegate } from "../gate.js";
import type { NodeDefinition } from "./registry.js";

let shared: Tidegate | undefined;

/**
 * The gate of this module's functions: on a memory of its own until {@link setDefaultGate} sets
 * another.
 */
export function gate(): Tidegate {
  shared ??= new Tidegate();
  return shared;
}

/**
 * Sets the gate that {@link executeRateLimiterNode} and its like use in this process, such as one
 * on Redis; undefined: a new one on memory.
 */
export function setDefaultGate(gate: Tidegate | undefined): void {
  shared = gate;
}

/** {@link Tidegate.nodeRegistry} of the gate that the process shares. */
export function nodeRegistry(): NodeDefinition[] {
  return gate().nodeRegistry();
}
