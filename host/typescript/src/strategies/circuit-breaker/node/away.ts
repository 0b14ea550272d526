/**
 * What a circuit breaker node answers while the store is away: what this host's own circuit says.
 * The token of such an admission says so, and its outcome counts there alone, also when the store
 * is back.
 */

import { isStoreError } from "../../../errors.js";
import { decide, type Entity, record } from "../../../nodes/asking.js";
import type { Signal } from "../../../signal.js";
import { ADMIT, type BreakerNodes, type NodeOutcome, type NodeRequest } from "./request.js";
import { type CircuitPassage, circuitPassageIn } from "./result.js";

/** What the token of a permit of a host's own circuit begins with. */
const AWAY = "away:";

/** An admission or a look; without the store, this host's own circuit answers. */
export async function askCircuit(
  at: Entity<BreakerNodes>,
  request: NodeRequest,
  signal?: Signal,
): Promise<CircuitPassage> {
  try {
    return circuitPassageIn(await decide(at, request, signal));
  } catch (error) {
    return inPlaceOf(error, at, () => alone(at, request));
  }
}

/** An outcome; without the store, this host's own circuit takes it. */
export async function tellCircuit(at: Entity<BreakerNodes>, outcome: NodeOutcome): Promise<CircuitPassage> {
  const { core, namespace, key, policy } = at;
  if (core.memory !== undefined) return circuitPassageIn(await record(at, outcome));
  if (outcome.token.startsWith(AWAY)) return alone(at, { ...outcome, token: outcome.token.slice(AWAY.length) });
  const entity = namespace.entity(key);
  // Where nobody kept the token, this host's own circuit has probably admitted the call.
  if (core.shared.turnsAway(entity)) {
    if (outcome.token !== "") core.shared.park(entity, policy, outcome);
    return tellAlone(at, outcome);
  }
  try {
    return circuitPassageIn(await record(at, outcome));
  } catch (error) {
    return inPlaceOf(error, at, () => {
      if (outcome.token !== "") core.lost++;
      return tellAlone(at, outcome);
    });
  }
}

function inPlaceOf(
  error: unknown,
  { core, namespace, key, policy }: Entity<BreakerNodes>,
  answer: () => CircuitPassage,
) {
  if (core.ledger === undefined || !isStoreError(error)) throw error;
  let passage: CircuitPassage;
  try {
    passage = answer();
  } catch (full) {
    // This host cannot keep more circuits apart.
    throw isStoreError(full) ? error : full;
  }
  core.ledger.degraded(namespace.entity(key), policy);
  return passage;
}

/**
 * Tells this host's own circuit of an outcome: one that the store has admitted, by a permit of its
 * own.
 */
function tellAlone(at: Entity<BreakerNodes>, outcome: NodeOutcome): CircuitPassage {
  if (outcome.token === "") return alone(at, outcome);
  const admission = alone(at, ADMIT);
  const own = admission.token?.slice(AWAY.length);
  return own === undefined ? admission : alone(at, { ...outcome, token: own });
}

function alone({ core, namespace, key, policy }: Entity<BreakerNodes>, request: NodeRequest): CircuitPassage {
  const passage = circuitPassageIn(core.alone.run(namespace.tag(key), core.storeUs(), policy, request));
  const { token } = passage;
  return {
    ...passage,
    ...(token === undefined ? {} : { token: AWAY + token }),
    report: { ...passage.report, degraded: true },
  };
}
