/** What a rate limiter's calls and answers mean to those who carry them. */

import { type Lease, PLAIN } from "../../strategy.js";
import { call, open } from "./calls.js";
import { type Answer, type LimiterStrategy, NeverFits, type Request } from "./request.js";
import type { WitDecision } from "./wit.js";

/** The strategy: a limiter of the component. */
export const limiters: LimiterStrategy = {
  ...PLAIN,
  tag: "rl",
  outlastsOutage: true,
  open,
  call,
  weight,
  refuses: answer => decisionIn(answer)?.verdict === "denied",
  gives: ({ kind }) => kind === "acquire" || kind === "tryAcquire",
  undo,
  lease,
};

function decisionIn(answer: Answer): WitDecision | undefined {
  return typeof answer === "object" && !(answer instanceof NeverFits) ? answer : undefined;
}

function weight(answer: Answer, before: number): number {
  const decision = decisionIn(answer);
  return decision === undefined ? before : decision.count + decision.waiting;
}

function undo(request: Request, answer: Answer): Request | undefined {
  const decision = decisionIn(answer);
  if (decision === undefined || (request.kind !== "acquire" && request.kind !== "tryAcquire")) return undefined;
  const { ticket, chargedAtUs, fullAtUs } = decision;
  if (ticket !== 0) return { kind: "cancel", ticket };
  return chargedAtUs === 0 ? undefined : { kind: "refund", cost: request.cost, chargedAtUs, fullAtUs };
}

function lease(answer: Answer): Lease<Request> | undefined {
  const lifeMs = decisionIn(answer)?.releaseAfterMs ?? 0;
  return lifeMs > 0 ? { lifeMs, release: now => ({ kind: "release", now }) } : undefined;
}
