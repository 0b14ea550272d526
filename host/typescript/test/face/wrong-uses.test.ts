/**
 * Each wrong use gives one error that names the path, the value and what is allowed, as one writes
 * it in TypeScript.
 */

import { afterEach, describe, expect, it, vi } from "vitest";
import {
  isConfigError,
  isStoreAway,
  isStoreError,
  Memory,
  perDay,
  perHour,
  perMinute,
  perSecond,
  redisStore,
  StoreError,
  Tidegate,
} from "../../src/index.js";

// As whoever writes JavaScript has it.
// biome-ignore lint/suspicious/noExplicitAny: what is wrong has no type
type Any = any;

const gate = new Tidegate() as Any;
const ok = perSecond(1);
const limiter = (settings: object) => gate.rateLimiter({ name: "a", limits: [ok], ...settings });
const breaker = (settings: object) => gate.circuitBreaker({ name: "a", trip: { consecutive: 5 }, ...settings });
const opened = limiter({});

const U32 = "a whole number from 0 to 4294967295";
const UNITS = 'one of "millisecond", "second", "minute", "hour", "day"';
const LIMIT = 'an object or a text such as "10/second"';

const wrong: [use: () => unknown, expected: string][] = [
  [() => gate.rateLimiter(), "rate limiter undefined is not a valid configuration: it is missing, must be an object"],
  [() => gate.rateLimiter("api"), 'it is "api", must be an object'],
  [() => limiter({ limits: [{ limit: 1, window: "sec" }] }), `limits[0].window is "sec", must be ${UNITS}`],
  [
    () => gate.rateLimiter({ name: "a", limit: 10, window: "second" }),
    "limit is 10, must be left out: the fields here are name, limits, onLimit, lease, whenAway; " +
      'window is "second", must be left out: the fields here are name, limits, onLimit, lease, whenAway; ' +
      "limits is missing, must be a list",
  ],
  [() => limiter({ limits: [{ max: 10, windowMs: 1_000 }] }), `limits[0].limit is missing, must be ${U32}`],
  [() => limiter({ limits: [{ limit: "10", window: "second" }] }), `limits[0].limit is "10", must be ${U32}`],
  [() => limiter({ limits: [perSecond(Number(undefined))] }), `limits[0].limit is NaN, must be ${U32}`],
  [() => limiter({ limits: [perMinute(-1)] }), `limits[0].limit is -1, must be ${U32}`],
  [() => limiter({ limits: [perHour(1.5)] }), `limits[0].limit is 1.5, must be ${U32}`],
  [() => limiter({ limits: [perDay(2 ** 32)] }), `limits[0].limit is 4294967296, must be ${U32}`],
  [() => limiter({ limits: 10 }), "limits is 10, must be a list"],
  [() => limiter({ limits: [10] }), `limits[0] is 10, must be ${LIMIT}`],
  [() => limiter({ limits: ["ten"] }), `limits[0] is "ten", must be ${LIMIT}`],
  [() => limiter({ limits: [] }), "limits is 0 limits, must be 1 to 8 limits"],
  [() => limiter({ limits: ["1/0second"] }), "limits[0].window is 0 second, must be 1 millisecond to 366 days in all"],
  [
    () => limiter({ limits: [{ ...ok, algorithm: { name: "leaky" } }] }),
    'limits[0].algorithm.name is "leaky", must be one of "sliding-window", "gcra", "token-bucket"',
  ],
  [
    () => limiter({ limits: [{ ...ok, algorithm: "gcra" }] }),
    'limits[0].algorithm is "gcra", must be an object whose name is one of "sliding-window"',
  ],
  [
    () => limiter({ limits: [{ ...ok, algorithm: { name: "gcra", burst: 0 } }] }),
    "limits[0].algorithm.burst is 0, must be 1 to 316224000",
  ],
  [
    () => limiter({ onLimit: "queue" }),
    'onLimit is "queue", must be an object whose behavior is one of "reject", "delay", "queue"',
  ],
  [
    () => limiter({ onLimit: { behavior: "queue", maxSize: 10 } }),
    "onLimit.timeoutMs is missing, must be a whole number from 1 to 86400000",
  ],
  [
    () => limiter({ onLimit: { behavior: "queue", maxSize: 0, timeoutMs: 1 } }),
    "onLimit.maxSize is 0, must be 1 to 10000",
  ],
  [
    () => limiter({ onLimit: { behavior: "delay", maxWaitMs: "1s" } }),
    'onLimit.maxWaitMs is "1s", must be a whole number from 1 to 86400000',
  ],
  [
    () =>
      limiter({ lease: { maxPermits: 10, lifeMs: 100 }, onLimit: { behavior: "queue", maxSize: 10, timeoutMs: 1 } }),
    "lease is given with queue, must be left out unless `onLimit` is reject",
  ],
  [() => limiter({ lease: { maxPermits: 1, lifeMs: 100 } }), "lease.maxPermits is 1, must be 2 to 1000000"],
  [
    () => limiter({ whenAway: "allow" }),
    'whenAway is "allow", must be one of "error", "open", "closed", {"share": ...}',
  ],
  [() => limiter({ whenAway: { share: 0 } }), "whenAway.share is 0, must be 1 to 1000000"],
  [() => gate.circuitBreaker({ name: "a" }), "trip is missing, must be an object"],
  [
    () => breaker({ trip: {} }),
    "trip is no rule, must be at least one of `failures`, `consecutive`, `failureRatePercent` and `slowRate`",
  ],
  [() => breaker({ trip: { consecutive: "5" } }), 'trip.consecutive is "5", must be a whole number from 1 to 1000000'],
  [() => breaker({ trip: { failures: 5 } }), "trip.failures is 5, must be an object"],
  [
    () => breaker({ trip: { failureRatePercent: 150 }, openMs: 0, backoff: { factor: 0, capMs: 1 } }),
    "trip.failureRatePercent is 150, must be more than 0, at most 100; openMs is 0, must be 1 to 2592000000; " +
      "backoff.factor is 0, must be 1 to 100",
  ],
  [
    () => breaker({ trip: { failureRatePercent: 50, sample: { calls: 5 } } }),
    "trip.minimumCalls is 10, must be 1 to 5",
  ],
  [
    () => breaker({ trip: { failureRatePercent: 50, sample: 5 } }),
    'trip.sample is 5, must be one of {"windowMs": ...}, {"calls": ...}',
  ],
  [() => breaker({ openMs: 0.5 }), "openMs is 0.5, must be a whole number from 1 to 2592000000"],
  [() => breaker({ failures: 5 }), "failures is 5, must be left out: the fields here are name, trip, openMs, backoff"],
  [() => breaker({ halfOpen: { probes: 0 } }), "halfOpen.probes is 0, must be 1 to 1000"],
  [
    () => breaker({ halfOpen: { rule: "ratio" } }),
    'halfOpen.rule is "ratio", must be one of "first-failure", {"ratio": ...}, {"rate": ...}',
  ],
  [() => breaker({ monitored: ["ECONN*"] }), 'monitored[0] is "ECONN*", must be an object'],
  [() => breaker({ others: "failure" }), 'others is "failure", must be one of "ignored", "success"'],
  [() => breaker({ countRefusals: 1 }), "countRefusals is 1, must be true or false"],
  [() => breaker({ mode: "on" }), 'mode is "on", must be one of "normal", "forced-open", "forced-closed"'],
  [
    () => new Tidegate({ store: 5 } as Any),
    "store is 5, must be a Memory, a URL such as redis://localhost, or a store such as redisStore(client)",
  ],
  [() => new Tidegate({ store: { evalsha() {} } } as Any), "store is an object of Object, must be a Memory, a URL"],
  [() => new Tidegate({ redis: 1 } as Any), "redis is 1, must be left out: the options are store, clock"],
  [
    () => new Tidegate({ maxKnown: 0, maxBatch: "5" } as Any),
    'maxKnown is 0, must be a whole number from 1; maxBatch is "5"',
  ],
  [() => new Tidegate({ requireShared: true }), "store is a Memory, must be one that processes share"],
  [() => redisStore({} as Any), "the client is neither of ioredis nor of the package redis"],
  [
    () => redisStore({ evalsha() {}, pipeline() {}, options: { keyPrefix: "app:" } } as Any),
    'client.options.keyPrefix is "app:", must be left out, since hosts without it',
  ],
  [
    () => new Tidegate({ store: "localhost:6379" }),
    'store is "localhost:6379", must be a URL such as redis://[user[:password]@]host[:port][/db], with rediss for TLS',
  ],
  [() => new Tidegate({ store: "redis://me:secret@host:port" }), 'store is "redis://***@host:port", must be a URL'],
  [() => new Tidegate({ store: "redis://host?db=3" }), "must be without ?db: the database is the path"],
  [() => redisStore(["redis://a", "http://b"]), 'urls[1] is "http://b", must be a URL such as'],
  [() => redisStore([]), "urls is an empty list, must be at least one URL"],
  [() => redisStore("redis://a", { cluster: 1 } as Any), "cluster is 1, must be true or false"],
  [() => new Memory({ limitms: 5 } as Any), "limitms is 5, must be left out"],
  [() => opened.tryAcquire(undefined), "key is undefined, must be a text"],
  [() => opened.tryAcquire(42), "key is 42, must be a text"],
  [
    () => opened.tryAcquire("k", { cost: 5 }),
    'a cost of 5 can never fit in limits[0] of rate limiter "a", which admits 1',
  ],
  [() => opened.tryAcquire("k", { cots: 5 }), "cots is 5, must be left out: the options are cost"],
];

/** Words of the contract, of Rust, and names that are written otherwise here. */
const FOREIGN = /\b(u32|u64|f64|serde|variant|enum|option<|list<|wit)\b|-ms\b|_ms\b|on-limit|half-open\./;

describe("a wrong use", () => {
  it.each(wrong)("%s", async (use, expected) => {
    const error = await (async () => use())().then(
      () => undefined,
      (error: unknown) => error as Error,
    );
    expect(error?.message).toContain(expected);
    expect(error?.message).not.toMatch(FOREIGN);
  });

  it("is in the table forty times at least", () => expect(wrong.length).toBeGreaterThanOrEqual(40));
});

describe("what looks like a mistake", () => {
  afterEach(() => vi.restoreAllMocks());

  it("is warned of: a share of calls that is a fraction", () => {
    const warned = vi.spyOn(console, "warn").mockImplementation(() => {});
    breaker({ trip: { failureRatePercent: 50 } });
    expect(warned).not.toHaveBeenCalled();
    breaker({ trip: { failureRatePercent: 0.5 } });
    expect(warned).toHaveBeenCalledExactlyOnceWith(
      'tidegate: trip.failureRatePercent of circuit breaker "a" is 0.5, less than one call in a hundred: 50 is half of them',
    );
  });
});

describe("production", () => {
  afterEach(() => vi.unstubAllEnvs());

  it("wants a shared store, unless told otherwise", () => {
    vi.stubEnv("TIDEGATE_ENV", "production");
    expect(() => new Tidegate()).toThrow("TIDEGATE_ENV=production");
    expect(() => new Tidegate({ requireShared: false })).not.toThrow();
    vi.stubEnv("TIDEGATE_ENV", "test");
    expect(() => new Tidegate()).not.toThrow();
  });
});

it("a store that refused, or is full, is not away", () => {
  const errors = (["timed-out", "away", "refused", "full"] as const).map(reason => new StoreError(reason, "it"));
  expect(errors.map(isStoreAway)).toEqual([true, true, false, false]);
  expect(errors.every(isStoreError)).toBe(true);
  expect(isConfigError(errors[0])).toBe(false);
});
