/** What a circuit breaker's calls and answers mean to those who carry them. */

import { PLAIN } from "../../strategy.js";
import { call, open } from "./calls.js";
import { refuses, settlesLater, weight } from "./meaning.js";
import type { BreakerStrategy, Request } from "./request.js";
import type { WitReport } from "./wit.js";

/** The strategy: a circuit breaker of the component. */
export const breakers: BreakerStrategy = {
  ...PLAIN,
  tag: "cb",
  outlastsOutage: false,
  open,
  call,
  weight,
  refuses,
  gives: ({ kind }) => kind === "admit",
  undo,
  settlesLater,
  goesAhead: ({ kind }) => kind === "admit",
  repeats,
};

function undo(request: Request, { effect, permit }: WitReport): Request | undefined {
  if (request.kind !== "admit" || effect !== "admitted") return undefined;
  return { kind: "cancelled", permit, elapsedMs: 0 };
}

/** Successes of one generation that are no probes. */
function repeats(request: Request, before: Request): boolean {
  if (request.kind !== "succeeded" || before.kind !== "succeeded") return false;
  const { permit } = request;
  return permit.generation === before.permit.generation && permit.probe === 0 && before.permit.probe === 0;
}
