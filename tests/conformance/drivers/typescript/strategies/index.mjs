// How the TypeScript host makes the calls of each strategy. The rest of the driver asks the list
// here and names no strategy.
//
// A kind has `open`, `isNode`, the `entity` that a stranger writes
// to, whether its calls leave something that settles later, and `calls`: each is given the policy,
// the arguments, and a way to what an earlier step gave, and gives `{ log, given }`.

import { breaker, breakerNode } from "./circuit-breaker/index.mjs";
import { limiter, limiterNode } from "./rate-limiter/index.mjs";

const KINDS = { limiter, breaker, "limiter-node": limiterNode, "breaker-node": breakerNode };

/** The kind of this name. */
export function kindOf(name) {
  const kind = KINDS[name];
  if (kind === undefined) throw new Error(`there is no kind ${name} of policy`);
  return kind;
}
