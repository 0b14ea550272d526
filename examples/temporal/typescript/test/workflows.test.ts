import { DeterminismViolationError } from "@temporalio/workflow";
import { expect, test } from "vitest";
import { History } from "./support/history.js";
import { replay } from "./support/replay.js";

const order = { orderId: "order-1", merchantId: "m-1", amountCents: 1_999, priority: 3 };
const wait = (waitMs: number, ticket: number) => ({ go: false, waitMs, held: { ticket } });
const go = { go: true, waitMs: 0, held: { chargedAtUs: 7 } };

test("waits by a durable timer of the time it was told, and comes back with its ticket", async () => {
  const history = new History("orderWorkflow", order)
    .activity("admit", wait(1_234, 42))
    .timer(1_234)
    .activity("admit", wait(5, 42))
    .timer(5)
    .activity("admit", go)
    .activity("charge", { paymentId: "p-1" })
    .completed({ paymentId: "p-1", turns: 1, queuedMs: 1_239 });
  expect(await replay(history)).toEqual([
    { activity: "admit", args: [order, null] },
    { timerMs: 1_234 },
    { activity: "admit", args: [order, { ticket: 42 }] },
    { timerMs: 5 },
    { activity: "admit", args: [order, { ticket: 42 }] },
    { activity: "charge", args: [order] },
  ]);
});

test("goes at once where it is its turn", async () => {
  const history = new History("orderWorkflow", order)
    .activity("admit", go)
    .activity("charge", { paymentId: "p-1" })
    .completed({ paymentId: "p-1", turns: 1, queuedMs: 0 });
  expect(await replay(history)).toEqual([
    { activity: "admit", args: [order, null] },
    { activity: "charge", args: [order] },
  ]);
});

test("does not match a history in which it did not wait", async () => {
  const history = new History("orderWorkflow", order)
    .activity("admit", wait(1_234, 42))
    .activity("charge", { paymentId: "p-1" })
    .completed({ paymentId: "p-1", turns: 1, queuedMs: 0 });
  await expect(replay(history)).rejects.toThrow(DeterminismViolationError);
});

test("does not match a history in which it waited for nothing", async () => {
  const history = new History("orderWorkflow", order).activity("admit", go).timer(1_234).completed(null);
  await expect(replay(history)).rejects.toThrow(DeterminismViolationError);
});

test("does not match a history in which it called without a permit", async () => {
  const history = new History("orderWorkflow", order).activity("charge", { paymentId: "p-1" }).completed(null);
  await expect(replay(history)).rejects.toThrow(DeterminismViolationError);
});

test("leaves the queue when it is cancelled while it waits", async () => {
  const history = new History("orderWorkflow", order)
    .activity("admit", wait(60_000, 42))
    .startedTimer(60_000)
    .cancelledInTimer()
    .activity("giveBack", undefined)
    .cancelled();
  expect((await replay(history)).at(-1)).toEqual({ activity: "giveBack", args: [order, { ticket: 42 }] });
});

test("does not match a history in which it was cancelled and kept its place", async () => {
  const history = new History("orderWorkflow", order)
    .activity("admit", wait(60_000, 42))
    .startedTimer(60_000)
    .cancelledInTimer()
    .cancelled();
  await expect(replay(history)).rejects.toThrow(DeterminismViolationError);
});

test("gives the permit back when it was cancelled while a step took it", async () => {
  const history = new History("orderWorkflow", order)
    .cancelledInActivity("admit", go)
    .activity("giveBack", undefined)
    .cancelled();
  expect(await replay(history)).toEqual([
    { activity: "admit", args: [order, null] },
    { activity: "giveBack", args: [order, { chargedAtUs: 7 }] },
  ]);
});

test("ends cancelled though giving back failed", async () => {
  const history = new History("orderWorkflow", order)
    .activity("admit", wait(60_000, 42))
    .startedTimer(60_000)
    .cancelledInTimer()
    .failedActivity("giveBack", { type: "StoreError" })
    .cancelled();
  expect(await replay(history)).toHaveLength(3);
});

test("leaves the waiting to one activity where that is simpler", async () => {
  const history = new History("simpleOrderWorkflow", order)
    .activity("admitAndCharge", { paymentId: "p-1" })
    .completed({ paymentId: "p-1" });
  expect(await replay(history)).toEqual([{ activity: "admitAndCharge", args: [order] }]);
});

test("waits out an open circuit, with its permit given back, and takes a new turn", async () => {
  const history = new History("orderWorkflow", order)
    .activity("admit", go)
    .failedActivity("charge", { type: "CircuitOpen", retryAfterMs: 15_000 })
    .activity("giveBack", undefined)
    .timer(15_000)
    .activity("admit", go)
    .activity("charge", { paymentId: "p-1" })
    .completed({ paymentId: "p-1", turns: 2, queuedMs: 0 });
  const asked = await replay(history);
  expect(asked[2]).toEqual({ activity: "giveBack", args: [order, { chargedAtUs: 7 }] });
  expect(asked[3]).toEqual({ timerMs: 15_000 });
});

test("takes a new turn after a failure that does not say when, with its permit used", async () => {
  const history = new History("orderWorkflow", order)
    .activity("admit", go)
    .failedActivity("charge", { type: "PaymentApiDown" })
    .timer(1_000)
    .activity("admit", go)
    .activity("charge", { paymentId: "p-1" })
    .completed({ paymentId: "p-1", turns: 2, queuedMs: 0 });
  expect((await replay(history))[2]).toEqual({ timerMs: 1_000 });
});

test("gives up where a payment was rejected", async () => {
  const history = new History("orderWorkflow", order)
    .activity("admit", go)
    .failedActivity("charge", { type: "PaymentRejected", nonRetryable: true })
    .failed();
  expect(await replay(history)).toHaveLength(2);
});

test("waits for a node by a durable timer, and calls with the context that has its result", async () => {
  const policies = { rateLimiter: { limit: 1 }, circuitBreaker: { circuitId: "c" } };
  const passed = { resourceId: "m-1", admission: { passed: true } };
  const history = new History("nodeOrderWorkflow", policies, { resourceId: "m-1" })
    .activity("rateLimiterNode", { go: false, waitMs: 321, held: "token-1" })
    .timer(321)
    .activity("rateLimiterNode", { go: true, waitMs: 0, held: "token-2", context: passed })
    .activity("chargeNode", { paymentId: "p-1" })
    .completed({ paymentId: "p-1", turns: 1, queuedMs: 321 });
  expect(await replay(history)).toEqual([
    { activity: "rateLimiterNode", args: [policies.rateLimiter, { resourceId: "m-1" }, null] },
    { timerMs: 321 },
    { activity: "rateLimiterNode", args: [policies.rateLimiter, { resourceId: "m-1" }, "token-1"] },
    { activity: "chargeNode", args: [policies.circuitBreaker, passed] },
  ]);
});
