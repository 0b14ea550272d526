// Uses the types of the installed package, as strictly as can be.
import {
  blocking,
  type CircuitBreakerResult,
  type CircuitReport,
  type Clock,
  type Decision,
  executeRateLimiterNode,
  httpFailure,
  isCircuitOpenError,
  Memory,
  type NodeStep,
  type RateLimiterConfig,
  type RateLimiterNodeConfig,
  type RedisClient,
  redisStore,
  type Signal,
  Tidegate,
} from "tidegate";
import core from "tidegate/core.wasm";
import { Tidegate as GivenTidegate, useModule } from "tidegate/module";

export function useGiven(): Tidegate {
  useModule(core);
  // @ts-expect-error: a path is no module
  useModule("core.wasm");
  return new GivenTidegate();
}

const config = {
  name: "api",
  limits: [{ limit: 10, window: "second", algorithm: { name: "gcra", burst: 5 } }],
  onLimit: { behavior: "queue", maxSize: 10, timeoutMs: 1_000 },
} satisfies RateLimiterConfig;

// In variables, without a type of their own.
const onLimit = { behavior: "queue", maxSize: 10, timeoutMs: 1_000 };
const hoisted = {
  name: "api",
  limits: [{ limit: 10, window: "second", algorithm: { name: "gcra" } }, "5/day"],
  onLimit,
};
const patterns = [TypeError, { part: "code", pattern: "E*" }];
const circuit = { name: "c", trip: { consecutive: 5 }, monitored: patterns, mode: "normal" };
const node = { limit: 1, window: "day", keyType: "per-user", behavior: "queue" };

export function useHoisted(gate: Tidegate): object[] {
  // @ts-expect-error: there is no such field
  gate.rateLimiter({ name: "api", limits: ["1/day"], limit: 5 });
  // @ts-expect-error: there is no such mode
  gate.circuitBreaker({ name: "c", trip: { consecutive: 5 }, mode: "off" });
  // @ts-expect-error: there is no such window
  gate.rateLimiterNode({ limit: 1, window: "week", keyType: "global", behavior: "reject" });
  const here = new blocking.Tidegate();
  const opened = [gate.rateLimiter(hoisted), gate.circuitBreaker(circuit), gate.rateLimiterNode(node)];
  return [...opened, here.rateLimiter(hoisted), here.circuitBreaker(circuit), executeRateLimiterNode(node, {})];
}

export async function use(clock: Clock, client: RedisClient, given?: { cost?: number }): Promise<CircuitReport> {
  const shared = new Tidegate({ store: redisStore(client), clock, maxBatch: 16 });
  const gate = new Tidegate({ store: new Memory({ capacity: 10 }) });
  const limiter = gate.rateLimiter(config);
  const decision: Decision = await limiter.tryAcquire("me", given);
  const charged: number | undefined = decision.chargedAtUs;
  const wrapped = limiter.wrap(async (user: string, count: number) => `${user} ${count}`, { key: user => user });
  const text: string = await wrapped("me", charged ?? 0);
  const breaker = shared.circuitBreaker({ name: text, trip: { consecutive: 5, sample: { calls: 10 } } });
  try {
    const length: number = await breaker.call(async () => text.length);
    await breaker.keyed(`${length}`).call(() => length, { timeoutMs: 100, failureIf: httpFailure });
    const heard: boolean = await breaker.call(signal => signal.aborted, { failureIf: aborted => aborted });
    const guarded = breaker.wrap((of: string, more = 1, given?: Signal) => of.length + more + (given ? 1 : 0), {
      key: of => of,
      withSignal: ([of, more], signal) => [of, more, signal],
    });
    const sum: number = await guarded(text);
    await guarded(`${sum} ${heard}`, 2);
  } catch (error) {
    if (isCircuitOpenError(error)) return error.report;
    throw error;
  }
  class Refused extends Error {}
  gate.circuitBreaker({ name: "c", trip: {}, monitored: [Refused, TypeError, { pattern: "x" }] });
  // @ts-expect-error: there is no such unit
  gate.rateLimiter({ name: "api", limits: [{ limit: 1, window: "week" }] });
  // @ts-expect-error: the arguments are those of the function
  await wrapped(5, "me");
  const report: CircuitReport = new blocking.Tidegate().circuitBreaker({ name: "c", trip: {} }).status();
  return report;
}

const perUser: RateLimiterNodeConfig = { limit: 1, window: "day", keyType: "per-user", behavior: "queue" };

export async function useNodes(signal: Signal): Promise<number> {
  const named = await executeRateLimiterNode(
    { ...perUser, outputVariable: "rate" as const },
    { userId: 5, items: [1] },
  );
  const passed: boolean = named.rate.passed;
  const items: number[] = named.items;
  const text: string = await executeRateLimiterNode(perUser, '{"userId": 5}', { signal });
  const node = new Tidegate().rateLimiterNode(text);
  const step: NodeStep = await node.begin({ userId: passed });
  if (!step.done) return step.waitMs;
  const config = {
    circuitId: "c",
    failureThreshold: 1,
    failureWindowMs: 1_000,
    successThreshold: 1,
    halfOpenTimeoutMs: 1_000,
    fallbackAction: "skip",
    monitoredErrors: ["timeout"],
  } as const;
  const gate = new Tidegate();
  const merged = await gate.executeCircuitBreakerNode(config, { items });
  const last: { getTime(): number } | undefined = merged.lastFailure;
  const first = async (of: { items: number[] }, given: Signal | undefined) => (given ? of.items[0] : undefined);
  const guarded = await gate.withCircuitBreaker(config, { items }, first, { signal });
  const result: CircuitBreakerResult = guarded.circuitResult;
  // @ts-expect-error: there is no such window
  await executeRateLimiterNode({ ...perUser, window: "week" }, { userId: 5 });
  return (guarded.result ?? 0) + result.failureCount + (last?.getTime() ?? 0);
}
