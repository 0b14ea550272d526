/** Operations as data, as a policy issues them. */

import { EntityKey } from "../../src/key.js";
import type { Place, Scope } from "../../src/runtime/world.js";
import { Transaction } from "../../src/transaction/transaction.js";

/** The time of the transactions here, in microseconds since 1970. */
export const NOW_US = 1_000_000;

/** Which cell: entity and field. */
export type At = readonly [entity: number, field: number];

export type Call =
  | { do: "get"; at: At }
  | { do: "observe"; at: At }
  | { do: "put"; at: At; value: string | undefined; ttlMs: number }
  | { do: "advance"; at: At; step: number; floor: number; ceiling: number; ttlMs: number }
  | { do: "retreat"; at: At; step: number; floor: number }
  | { do: "raise"; at: At; to: number; ttlMs: number };

/** What the policy is told. */
export type Told = string | number | undefined | { fits: boolean; number: number };

export const get = (at: At): Call => ({ do: "get", at });
export const observe = (at: At): Call => ({ do: "observe", at });
export const put = (at: At, value: string | undefined, ttlMs = 5): Call => ({ do: "put", at, value, ttlMs });
export const retreat = (at: At, step: number, floor: number): Call => ({ do: "retreat", at, step, floor });
export const raise = (at: At, to: number, ttlMs = 5): Call => ({ do: "raise", at, to, ttlMs });
export const advance = (step: number, ceiling: number, at: At = [0, 0]): Call => ({
  do: "advance",
  at,
  step,
  floor: 0,
  ceiling,
  ttlMs: 5,
});

export function issue(tx: Transaction, call: Call, scope: Scope = "shared"): Told {
  const at: Place = { entity: call.at[0], field: call.at[1], scope };
  switch (call.do) {
    case "get":
      return tx.get(at);
    case "observe":
      return tx.observe(at);
    case "put":
      tx.put(at, call.value, call.ttlMs);
      return undefined;
    case "advance": {
      const fits = tx.advance(at, call.step, call.floor, call.ceiling, call.ttlMs);
      return { fits, number: tx.number };
    }
    case "retreat":
      return tx.retreat(at, call.step, call.floor);
    case "raise":
      return tx.raise(at, call.to, call.ttlMs);
  }
}

/** Issues the calls as one run. */
export function run(tx: Transaction, calls: readonly Call[]): Told[] {
  tx.startRun();
  return calls.map(call => issue(tx, call));
}

export const KEYS = [EntityKey.of("rl", "test", "one"), EntityKey.of("rl", "test", "two")];

/** A logged transaction about two entities of which nothing is known. */
export function logged(): Transaction {
  const tx = new Transaction();
  tx.beginLogged(NOW_US, KEYS);
  return tx;
}
