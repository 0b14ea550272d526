// Uses the types of the installed package, as strictly as can be.
import {
  blocking,
  type CircuitReport,
  type Clock,
  type Decision,
  isCircuitOpenError,
  Memory,
  type RateLimiterConfig,
  type RedisClient,
  redisStore,
  Tidegate,
} from "tidegate";

const config = {
  name: "api",
  limits: [{ limit: 10, window: "second", algorithm: { name: "gcra", burst: 5 } }],
  onLimit: { behavior: "queue", maxSize: 10, timeoutMs: 1_000 },
} satisfies RateLimiterConfig;

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
    await breaker.keyed(`${length}`).call(() => length);
  } catch (error) {
    if (isCircuitOpenError(error)) return error.report;
    throw error;
  }
  // @ts-expect-error: there is no such unit
  gate.rateLimiter({ name: "api", limits: [{ limit: 1, window: "week" }] });
  // @ts-expect-error: the arguments are those of the function
  await wrapped(5, "me");
  const report: CircuitReport = new blocking.Tidegate().circuitBreaker({ name: "c", trip: {} }).status();
  return report;
}
