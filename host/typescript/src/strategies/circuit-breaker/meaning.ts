/** What a report says to those who carry it; a circuit breaker node's answers have one as well. */

import { HEAVIEST } from "../../strategy.js";
import type { WitReport } from "./wit.js";

/**
 * How much forgetting the circuit would give away: its failures. One that is not closed, or that
 * somebody has ordered a mode for, protects more than any count says.
 */
export function weight({ state, mode, failures, consecutive, failed }: WitReport): number {
  return state === "closed" && mode === "normal" ? Math.max(failures, consecutive, failed) : HEAVIEST;
}

/** Whether it refuses a call. */
export function refuses({ effect }: WitReport): boolean {
  return effect.startsWith("refused-");
}

/** Whether what the call changed may be committed later than it is answered. */
export function settlesLater({ settle }: WitReport): boolean {
  return settle === "later";
}
