import { randomUUID } from "node:crypto";
import { CancelledFailure } from "@temporalio/activity";
import type { RateLimiter } from "tidegate";
import { expect, test, vi } from "vitest";
import { environment, failureOf, orderOf, Stage } from "./support/stage.js";

const stage = new Stage();

/** Runs an activity in an environment of its own, as a worker would. */
function run<P extends unknown[], R>(activity: (...args: P) => Promise<R>, ...args: P): Promise<R> {
  return environment().run(activity, ...args);
}

const peek = (limiter: RateLimiter) => limiter.peek("m");
const elapsed = (ms: number) => new Promise(resolve => setTimeout(resolve, ms));

test("goes while there is room, and is then told how long to wait and with what to come back", async () => {
  const { activities } = stage.worker();
  const first = await run(activities.admit, orderOf("m"), null);
  expect(first).toMatchObject({ go: true, held: { chargedAtUs: expect.any(Number) } });
  const second = await run(activities.admit, orderOf("m"), null);
  expect(second).toMatchObject({ go: false, held: { ticket: expect.any(Number) } });
  expect(second.waitMs).toBeGreaterThan(30_000);
});

test("lets a ticket go on another worker when its time has come", async () => {
  const name = randomUUID();
  const limiter = { limits: [{ limit: 1, window: "millisecond", windowCount: 300 }] } as const;
  const [here, there] = [stage.worker({ limiter }, name), stage.worker({ limiter }, name)];
  await run(here.activities.admit, orderOf("m"), null);
  const order = orderOf("m");
  let step = await run(here.activities.admit, order, null);
  expect(step.go).toBe(false);
  while (!step.go) {
    await elapsed(step.waitMs);
    step = await run(there.activities.admit, order, step.held);
  }
  expect(step.held.chargedAtUs).toBeGreaterThan(0);
});

test("goes with the place it has reserved, without a second permit", async () => {
  const { activities, limiter } = stage.worker({ limiter: { onLimit: { behavior: "delay", maxWaitMs: 120_000 } } });
  await run(activities.admit, orderOf("m"), null);
  const reserved = await run(activities.admit, orderOf("m"), null);
  expect(reserved).toMatchObject({ go: false, held: { chargedAtUs: expect.any(Number) } });
  const counted = await peek(limiter);
  expect(await run(activities.admit, orderOf("m"), reserved.held)).toMatchObject({ go: true, held: reserved.held });
  expect((await peek(limiter)).count).toBe(counted.count);
});

test("leaves the queue when a waiting workflow is cancelled and gives its ticket back", async () => {
  const { activities, limiter } = stage.worker();
  await run(activities.admit, orderOf("m"), null);
  const order = orderOf("m");
  const { held } = await run(activities.admit, order, null);
  expect((await peek(limiter)).waiting).toBe(1);
  await run(activities.giveBack, order, held);
  expect((await peek(limiter)).waiting).toBe(0);
});

test("gives a permit back that was not used", async () => {
  const { activities, limiter } = stage.worker();
  const order = orderOf("m");
  const { held } = await run(activities.admit, order, null);
  expect((await peek(limiter)).remaining).toBe(0);
  await run(activities.giveBack, order, held);
  expect((await peek(limiter)).remaining).toBe(1);
});

test("an activity that is cancelled while it waits leaves the queue", async () => {
  const { activities, limiter } = stage.worker();
  await run(activities.admit, orderOf("m"), null);
  const waiter = environment();
  const heartbeat = vi.fn();
  waiter.on("heartbeat", heartbeat);
  const order = orderOf("m");
  const waiting = waiter.run(activities.admitAndCharge, order);
  await vi.waitUntil(async () => (await peek(limiter)).waiting === 1);
  expect(heartbeat).toHaveBeenCalled();
  waiter.cancel();
  await expect(waiting).rejects.toThrow(CancelledFailure);
  await vi.waitUntil(async () => (await peek(limiter)).waiting === 0);
  expect(stage.payments.asked).not.toContain(order.orderId);
});

test("waits in the activity and then charges", async () => {
  const limiter = { limits: [{ limit: 1, window: "millisecond", windowCount: 300 }] } as const;
  const { activities } = stage.worker({ limiter });
  await run(activities.admit, orderOf("m"), null);
  const order = orderOf("m");
  expect(await run(activities.admitAndCharge, order)).toEqual({ paymentId: `payment-of-${order.orderId}` });
});

test("a full queue is a failure to be tried again when the limiter says so", async () => {
  const { activities } = stage.worker({
    limiter: { onLimit: { behavior: "queue", maxSize: 1, timeoutMs: 60_000 } },
  });
  await run(activities.admit, orderOf("m"), null);
  await run(activities.admit, orderOf("m"), null);
  const failure = await failureOf(run(activities.admit, orderOf("m"), null));
  expect(failure).toMatchObject({ type: "RateLimited", details: [{ retryAfterMs: failure.nextRetryDelay }] });
  expect(failure.nonRetryable).toBeFalsy();
  expect(failure.nextRetryDelay).toBeGreaterThan(30_000);
});

test("a waiter whose time is over is a failure that is not tried again", async () => {
  const { activities } = stage.worker({
    limiter: { onLimit: { behavior: "queue", maxSize: 10, timeoutMs: 1, graceMs: 1 } },
  });
  await run(activities.admit, orderOf("m"), null);
  const order = orderOf("m");
  const { held } = await run(activities.admit, order, null);
  await elapsed(5);
  const failure = await failureOf(run(activities.admit, order, held));
  expect(failure).toMatchObject({ type: "QueueTimeout", nonRetryable: true });
});

test("an open circuit fails fast on every worker, to be tried again when its time is over", async () => {
  const name = randomUUID();
  const [here, there] = [stage.worker({}, name), stage.worker({}, name)];
  await down(async () => {
    for (let call = 0; call < 2; call++) {
      await expect(run(here.activities.charge, orderOf("m"))).rejects.toMatchObject({ name: "PaymentApiDown" });
    }
  });
  const order = orderOf("m");
  const failure = await failureOf(run(there.activities.charge, order));
  expect(failure).toMatchObject({ type: "CircuitOpen", details: [{ retryAfterMs: failure.nextRetryDelay }] });
  expect(failure.nonRetryable).toBeFalsy();
  expect(failure.nextRetryDelay).toBeGreaterThan(15_000);
  expect(failure.nextRetryDelay).toBeLessThanOrEqual(20_000);
  expect(stage.payments.asked).not.toContain(order.orderId);
});

test("a rejected payment is final and does not count against the circuit", async () => {
  const { activities } = stage.worker();
  await down(async () => {
    for (let call = 0; call < 5; call++) {
      const failure = await failureOf(run(activities.charge, orderOf("m")));
      expect(failure).toMatchObject({ type: "PaymentRejected", nonRetryable: true });
    }
  }, 402);
  const order = orderOf("m");
  expect(await run(activities.charge, order)).toEqual({ paymentId: `payment-of-${order.orderId}` });
});

/** While the payment API answers with `status`. */
async function down(work: () => Promise<void>, status = 503): Promise<void> {
  stage.payments.status = status;
  try {
    await work();
  } finally {
    stage.payments.status = 200;
  }
}
