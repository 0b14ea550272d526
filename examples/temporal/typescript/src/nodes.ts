/** Activities guarded by workflow nodes, whose configurations come with each call. */

import { ApplicationFailure, Context } from "@temporalio/activity";
import type { CircuitBreakerNodeConfig, RateLimiterNodeConfig, RateLimiterResult, Tidegate } from "tidegate";
import { failing } from "./failures.js";
import type { JsonObject, NodeStep, Order, Payment, RetryAfter } from "./orders.js";
import type { PaymentApi } from "./payments.js";

/** The activities, by their names. */
export type NodeActivities = ReturnType<typeof createNodeActivities>;

export function createNodeActivities(gate: Tidegate, payments: PaymentApi) {
  return {
    /**
     * Takes one step of a rate limiter node and never sleeps. At the end the context has the node's
     * result.
     */
    rateLimiterNode(config: RateLimiterNodeConfig, context: JsonObject, token: string | null): Promise<NodeStep> {
      return failing(async () => {
        const node = gate.rateLimiterNode(config);
        const step = token === null ? await node.begin(context) : await node.step(context, token);
        if (!step.done) return { go: false, waitMs: step.waitMs, held: step.token };
        if (!step.result.passed) throw notPassed(step.result);
        return { go: true, waitMs: 0, held: step.token ?? "", context: node.put(context, step.result) };
      });
    },

    /** Gives back what the token of a step holds. */
    async leaveRateLimiterNode(config: RateLimiterNodeConfig, context: JsonObject, token: string): Promise<void> {
      await gate.rateLimiterNode(config).abandon(context, token);
    },

    /**
     * Asks the payment API for the order in the context, unless the circuit of a circuit breaker
     * node is open.
     */
    chargeNode(config: CircuitBreakerNodeConfig, context: JsonObject): Promise<Payment> {
      return failing(async () => {
        const signal = Context.current().cancellationSignal;
        const send = () => payments.charge(context["order"] as Order, signal);
        const { result } = await gate.withCircuitBreaker(config, context, send, { signal });
        if (result === undefined) throw ApplicationFailure.nonRetryable("the circuit is open", "Skipped");
        return result;
      });
    },
  };
}

/** Who has queued has waited for the longest time allowed; any other may come back. */
function notPassed({ queued, resetIn }: RateLimiterResult): ApplicationFailure {
  if (queued) return ApplicationFailure.nonRetryable("the longest wait is over", "QueueTimeout");
  const details: [RetryAfter] = [{ retryAfterMs: resetIn }];
  return ApplicationFailure.create({ type: "RateLimited", message: "no room", details, nextRetryDelay: resetIn });
}
