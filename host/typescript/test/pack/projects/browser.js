// Runs in a bundle without anything of Node's.
import { ManualClock, Tidegate } from "tidegate";

export async function run() {
  const clock = new ManualClock();
  const gate = new Tidegate({ clock });
  const onLimit = { behavior: "delay", maxWaitMs: 1_000 };
  const limiter = gate.rateLimiter({ name: "api", limits: [{ limit: 1, window: "second" }], onLimit });
  const verdicts = [(await limiter.decide("me")).verdict, (await limiter.tryAcquire("me")).verdict];
  const breaker = gate.circuitBreaker({ name: "c", trip: { consecutive: 1 } });
  await breaker.call(() => Promise.reject(new Error("down"))).catch(() => undefined);
  verdicts.push((await breaker.admit()).effect);
  const node = gate.rateLimiterNode({ limit: 1, window: "day", keyType: "global", behavior: "reject" });
  verdicts.push(`${(await node.execute({})).result.passed}`);
  await new Tidegate().rateLimiter({ name: "api", limits: [{ limit: 1, window: "second" }] }).acquire("me");
  return verdicts.join(" ");
}

globalThis.finished = run();
