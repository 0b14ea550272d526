/**
 * Activities guarded by the SDK: one limiter and one circuit, shared by all workers on the same
 * Redis.
 */

import { Context } from "@temporalio/activity";
import { type CircuitBreaker, type Decision, RateLimitError, type RateLimiter } from "tidegate";
import { failing } from "./failures.js";
import { withHeartbeat } from "./heartbeat.js";
import type { Order, Payment, Place, Step } from "./orders.js";
import type { PaymentApi } from "./payments.js";

/** What the activities are made of. */
export interface Guards {
  readonly limiter: RateLimiter;
  readonly circuit: CircuitBreaker;
  readonly payments: PaymentApi;
}

/** The activities, by their names. */
export type Activities = ReturnType<typeof createActivities>;

export function createActivities({ limiter, circuit, payments }: Guards) {
  const send = (order: Order, signal: AbortSignal) => circuit.call(() => payments.charge(order, signal), { signal });

  return {
    /** Takes one step towards a permit and never sleeps: goes, or is told when to come back. */
    async admit(order: Order, held: Place | null): Promise<Step<Place>> {
      // A reserved place has been charged, and its time has come.
      if (held?.chargedAtUs !== undefined) return { go: true, waitMs: 0, held };
      return failing(async () =>
        stepOf(limiter, await limiter.decide(order.merchantId, { priority: order.priority }, held?.ticket)),
      );
    },

    /** Leaves the queue, or gives a permit back that was not used. */
    async giveBack(order: Order, { ticket, chargedAtUs }: Place): Promise<void> {
      if (ticket !== undefined) await limiter.cancel(order.merchantId, ticket);
      else if (chargedAtUs !== undefined) await limiter.refund(order.merchantId, { chargedAtUs });
    },

    /** Asks the payment API, unless the circuit is open. */
    charge(order: Order): Promise<Payment> {
      return failing(() => send(order, Context.current().cancellationSignal));
    },

    /**
     * The simple form, for waits of seconds: waits in the queue and then asks the payment API,
     * within one activity. A cancelled activity leaves the queue; it needs a heartbeat timeout to
     * hear of it.
     */
    admitAndCharge(order: Order): Promise<Payment> {
      const signal = Context.current().cancellationSignal;
      return failing(() =>
        withHeartbeat(async () => {
          await limiter.acquire(order.merchantId, { priority: order.priority, signal });
          return send(order, signal);
        }),
      );
    },
  };
}

/** What a decision is to a workflow. */
function stepOf(limiter: RateLimiter, decision: Decision): Step<Place> {
  const { verdict, waitMs, ticket, chargedAtUs } = decision;
  if (verdict === "denied") throw new RateLimitError(limiter.config.name, decision);
  const held: Place = { ...(ticket !== undefined && { ticket }), ...(chargedAtUs !== undefined && { chargedAtUs }) };
  return { go: verdict === "allowed", waitMs, held };
}
