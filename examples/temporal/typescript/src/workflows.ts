/**
 * Orders that wait for their turn at a payment API that allows this many calls a second, and fails
 * at times.
 */

import { ActivityFailure, ApplicationFailure, proxyActivities, sleep } from "@temporalio/workflow";
import type { Activities } from "./activities.js";
import type { NodeActivities } from "./nodes.js";
import type { JsonObject, NodePolicies, NodeStep, Order, Payment, Place, Receipt, RetryAfter, Step } from "./orders.js";
import { bestEffort, type Turn, takeTurn } from "./turn.js";

/**
 * A step takes milliseconds. The server retries it; one that was denied when the limiter said so,
 * which its failure carries. A step whose answer was lost has taken a place for nobody, which the
 * queue passes over.
 */
const quick = { startToCloseTimeout: "10 seconds" } as const;

/**
 * One attempt. Whoever calls the payment API again needs a permit again; and a permit given back
 * twice would be one too many, where one that is not given back only comes back later.
 */
const once = { startToCloseTimeout: "30 seconds", retry: { maximumAttempts: 1 } } as const;

const { admit } = proxyActivities<Activities>(quick);
const { charge, giveBack } = proxyActivities<Activities>(once);
const { rateLimiterNode } = proxyActivities<NodeActivities>(quick);
const { chargeNode, leaveRateLimiterNode } = proxyActivities<NodeActivities>(once);

/**
 * The server retries it, each attempt with a permit of its own; the heartbeats bring it a
 * cancellation.
 */
const { admitAndCharge } = proxyActivities<Activities>({
  startToCloseTimeout: "15 minutes",
  heartbeatTimeout: "15 seconds",
  retry: { maximumAttempts: 10 },
});

/**
 * This many turns an order has at most, each with a call of the payment API or a circuit that
 * refuses it.
 */
const MAX_TURNS = 10;

/** Until the next turn where a failure does not say. */
const RETRY_MS = 1_000;

/** Pays an order, guarded by the SDK's limiter and circuit. */
export async function orderWorkflow(order: Order): Promise<Receipt> {
  const steps = {
    take: (held: Place | null) => admit(order, held),
    giveBack: (held: Place) => giveBack(order, held),
  };
  return inTurns(
    () => takeTurn<Place, Step<Place>>(steps),
    () => charge(order),
    ({ held }) => steps.giveBack(held),
  );
}

/**
 * Pays an order in one activity that waits in the queue by itself: less to write, and a worker's
 * slot taken while it waits.
 */
export async function simpleOrderWorkflow(order: Order): Promise<Payment> {
  return admitAndCharge(order);
}

/** Pays an order, guarded by nodes as a workflow editor configures them. */
export async function nodeOrderWorkflow(policies: NodePolicies, context: JsonObject): Promise<Receipt> {
  const steps = {
    take: (token: string | null) => rateLimiterNode(policies.rateLimiter, context, token),
    giveBack: (token: string) => leaveRateLimiterNode(policies.rateLimiter, context, token),
  };
  return inTurns(
    () => takeTurn<string, NodeStep>(steps),
    step => chargeNode(policies.circuitBreaker, step.context ?? context),
    ({ held }) => steps.giveBack(held),
  );
}

/** Takes turns until the call succeeds. A permit that an open circuit left unused is given back. */
async function inTurns<S>(
  take: () => Promise<Turn<S>>,
  call: (step: S) => Promise<Payment>,
  giveBackUnused: (step: S) => Promise<unknown>,
): Promise<Receipt> {
  let queuedMs = 0;
  for (let turns = 1; ; turns++) {
    const turn = await take();
    queuedMs += turn.queuedMs;
    try {
      const { paymentId } = await call(turn.step);
      return { paymentId, turns, queuedMs };
    } catch (error) {
      const failure = failureOf(error);
      if (failure?.type === "CircuitOpen") await bestEffort(() => giveBackUnused(turn.step));
      if (failure === undefined || failure.nonRetryable || turns === MAX_TURNS) throw error;
      await sleep(retryAfterMs(failure) ?? RETRY_MS);
    }
  }
}

/** What an activity failed with; undefined where it was cancelled or timed out. */
function failureOf(error: unknown): ApplicationFailure | undefined {
  const cause = error instanceof ActivityFailure ? error.cause : undefined;
  return cause instanceof ApplicationFailure ? cause : undefined;
}

/**
 * What `src/failures.ts` puts in the details: the TypeScript SDK does not read `nextRetryDelay`
 * back from a history.
 */
function retryAfterMs(failure: ApplicationFailure): number | undefined {
  const [details] = (failure.details ?? []) as RetryAfter[];
  return details?.retryAfterMs;
}
