/** What a rate limiter node's calls and answers mean to those who carry them. */

import { Refused } from "../../../runtime/refused.js";
import { PLAIN } from "../../../strategy.js";
import { call, open } from "./calls.js";
import type { LimiterNodeStrategy, NodeAnswer, NodeRequest } from "./request.js";
import type { WitStep } from "./wit.js";

/** The strategy: a rate limiter node of the component. Its entities are those of limiters. */
export const limiterNodes: LimiterNodeStrategy = {
  ...PLAIN,
  tag: "rl",
  outlastsOutage: true,
  open,
  call,
  // How many count is only told to the node's user.
  weight: (answer, before) => (stepIn(answer)?.passed ? before + 1 : before),
  refuses,
  gives: ({ kind }) => kind === "step",
  undo,
};

function stepIn(answer: NodeAnswer): WitStep | undefined {
  return typeof answer === "boolean" || answer instanceof Refused ? undefined : answer;
}

function refuses(answer: NodeAnswer): boolean {
  const step = stepIn(answer);
  return step?.done === true && !step.passed;
}

function undo({ kind }: NodeRequest, answer: NodeAnswer): NodeRequest | undefined {
  const token = stepIn(answer)?.token ?? "";
  return kind === "step" && token !== "" ? { kind: "abandon", token } : undefined;
}
