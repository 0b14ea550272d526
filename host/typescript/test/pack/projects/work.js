// What every place is asked to do: the same calls, the same answers.
export async function work(Tidegate) {
  const gate = new Tidegate();
  const limiter = gate.rateLimiter({ name: "api", limits: ["1/day"] });
  const verdicts = [(await limiter.tryAcquire("me")).verdict, (await limiter.tryAcquire("me")).verdict];
  const breaker = gate.circuitBreaker({ name: "c", trip: { consecutive: 1 } });
  await breaker.call(() => Promise.reject(new Error("down"))).catch(() => undefined);
  verdicts.push((await breaker.admit()).effect);
  const node = gate.rateLimiterNode({ limit: 1, window: "day", keyType: "global", behavior: "reject" });
  verdicts.push(`${(await node.execute({})).result.passed}`);
  const slow = gate.rateLimiter({ name: "slow", limits: ["1/50ms"], onLimit: { behavior: "delay", maxWaitMs: 5_000 } });
  await slow.acquire("me");
  verdicts.push((await slow.acquire("me")).waitedMs > 0 ? "waited" : "at once");
  return verdicts.join(" ");
}
