// Uses the installed package as a JavaScript project does. Exits by itself, though limiters and
// breakers are open.
import assert from "node:assert/strict";
import {
  executeRateLimiterNode,
  isRateLimitError,
  ManualClock,
  Memory,
  nodeRegistry,
  RateLimitError,
  Tidegate,
} from "tidegate";

const clock = new ManualClock();
const gate = new Tidegate({ store: new Memory(), clock });
const limiter = gate.rateLimiter({ name: "api", limits: [{ limit: 2, window: "second" }] });
assert.equal((await limiter.tryAcquire("me")).remaining, 1);
await limiter.acquire("me");
const error = await limiter.acquire("me").catch(thrown => thrown);
assert(isRateLimitError(error) && error instanceof RateLimitError);
assert.equal(error.decision.reason, "limit");

const breaker = gate.circuitBreaker({ name: "payments", trip: { consecutive: 1 } });
assert.equal(await breaker.call(async () => "paid"), "paid");
await assert.rejects(
  breaker.call(() => Promise.reject(new Error("down"))),
  /down/,
);
await assert.rejects(
  breaker.call(() => "never"),
  { code: "circuit-open" },
);

const perUser = { limit: 1, window: "day", keyType: "per-user", behavior: "reject" };
assert.equal((await executeRateLimiterNode(perUser, { userId: 5n })).passed, true);
assert.equal((await executeRateLimiterNode(perUser, { userId: "5" })).passed, false);
await assert.rejects(executeRateLimiterNode(perUser, {}), { code: "input", message: /context\.userId/ });
assert.equal(nodeRegistry().length, 2);

const system = new Tidegate();
const queue = { behavior: "queue", maxSize: 5, timeoutMs: 60_000 };
const slow = system.rateLimiter({ name: "slow", limits: [{ limit: 100, window: "second" }], onLimit: queue });
await Promise.all(Array.from({ length: 3 }, () => slow.acquire("me")));
await system.close();
console.log(`used on ${process.version}`);
