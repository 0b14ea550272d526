/** What a circuit breaker node's calls and answers mean to those who carry them. */

import { Refused } from "../../../runtime/refused.js";
import { PLAIN } from "../../../strategy.js";
import { refuses, settlesLater, weight } from "../meaning.js";
import type { WitReport } from "../wit.js";
import { call, open } from "./calls.js";
import type { BreakerNodeStrategy, NodeAnswer, NodeRequest } from "./request.js";

/** The strategy: a circuit breaker node of the component. Its entities are those of circuits. */
export const breakerNodes: BreakerNodeStrategy = {
  ...PLAIN,
  tag: "cb",
  outlastsOutage: false,
  open,
  call,
  weight: (answer, before) => reportIn(answer, weight) ?? before,
  refuses: answer => reportIn(answer, refuses) ?? false,
  gives: ({ kind }) => kind === "admit",
  undo,
  settlesLater: answer => reportIn(answer, settlesLater) ?? false,
  goesAhead: ({ kind }) => kind === "admit",
};

function reportIn<R>(answer: NodeAnswer, read: (report: WitReport) => R): R | undefined {
  return answer instanceof Refused ? undefined : read(answer.report);
}

function undo({ kind }: NodeRequest, answer: NodeAnswer): NodeRequest | undefined {
  if (kind !== "admit" || answer instanceof Refused || answer.token === "") return undefined;
  return { kind: "cancelled", token: answer.token };
}
