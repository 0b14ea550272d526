import { randomUUID } from "node:crypto";
import type { CircuitBreakerNodeConfig } from "tidegate";
import { expect, test } from "vitest";
import { environment, failureOf, orderOf, Stage } from "./support/stage.js";

const stage = new Stage();

/**
 * As a workflow editor sends it; the key type is per resource, so each test has its own by its
 * context.
 */
const limiter = {
  limit: 1,
  window: "minute",
  keyType: "per-resource",
  behavior: "queue",
  maxQueueSize: 1,
  queueTimeoutMs: 120_000,
  outputVariable: "admission",
} as const;

const circuit = (fallbackAction: CircuitBreakerNodeConfig["fallbackAction"]): CircuitBreakerNodeConfig => ({
  circuitId: randomUUID(),
  failureThreshold: 2,
  failureWindowMs: 10_000,
  successThreshold: 1,
  halfOpenTimeoutMs: 20_000,
  fallbackAction,
  monitoredErrors: ["PaymentApiDown"],
});

function run<P extends unknown[], R>(activity: (...args: P) => Promise<R>, ...args: P): Promise<R> {
  return environment().run(activity, ...args);
}

const contextOf = () => ({ resourceId: randomUUID(), order: orderOf("m"), note: "untouched" });

test("puts the node's result beside the untouched context when it goes", async () => {
  const nodes = stage.nodeWorker();
  const context = contextOf();
  const step = await run(nodes.rateLimiterNode, limiter, context, null);
  expect(step).toMatchObject({ go: true, context: { ...context, admission: { passed: true, currentCount: 1 } } });
});

test("is told how long to wait, and leaves the queue with its token", async () => {
  const nodes = stage.nodeWorker();
  const context = contextOf();
  await run(nodes.rateLimiterNode, limiter, context, null);
  const waiting = await run(nodes.rateLimiterNode, limiter, context, null);
  expect(waiting).toMatchObject({ go: false, held: expect.any(String) });
  expect(waiting.waitMs).toBeGreaterThan(30_000);
  const full = await failureOf(run(nodes.rateLimiterNode, limiter, context, null));
  expect(full).toMatchObject({ type: "RateLimited", details: [{ retryAfterMs: full.nextRetryDelay }] });
  await run(nodes.leaveRateLimiterNode, limiter, context, waiting.held);
  expect(await run(nodes.rateLimiterNode, limiter, context, null)).toMatchObject({ go: false });
});

test("names the key that the context has not, and does not try again", async () => {
  const failure = await failureOf(run(stage.nodeWorker().rateLimiterNode, limiter, {}, null));
  expect(failure.nonRetryable).toBe(true);
  expect(failure.message).toContain("resourceId");
});

test("an open circuit of a node fails fast, to be tried again when its time is over", async () => {
  const nodes = stage.nodeWorker();
  const config = circuit("error");
  stage.payments.status = 503;
  for (let call = 0; call < 2; call++) {
    await expect(run(nodes.chargeNode, config, contextOf())).rejects.toMatchObject({ name: "PaymentApiDown" });
  }
  stage.payments.status = 200;
  const failure = await failureOf(run(nodes.chargeNode, config, contextOf()));
  expect(failure).toMatchObject({ type: "CircuitOpen", details: [{ retryAfterMs: failure.nextRetryDelay }] });
  expect(failure.nextRetryDelay).toBeGreaterThan(15_000);
});
