import { describe, expect, it } from "vitest";
import { ConfigError, isConfigError, type Limit, Tidegate } from "../../src/index.js";

const second: Limit = { limit: 10, window: "second" };
const limited = (limit: object) => ({ name: "api", limits: [{ ...second, ...limit }] });
const by = (algorithm: object) => limited({ algorithm });
const on = (onLimit: object) => ({ name: "api", limits: [second], onLimit });
const queue = (fields: object) => on({ behavior: "queue", maxSize: 1, timeoutMs: 1_000, ...fields });
const tripped = (trip: object) => ({ name: "payments", trip });
const circuit = (fields: object) => ({ name: "payments", trip: { consecutive: 5 }, ...fields });

const U32 = "a whole number from 0 to 4294967295";
const wholeFrom = (least: number, most: number) => `a whole number from ${least} to ${most}`;
const DAY = "1 to 86400000";
const BOUNDED = "1 to 1000000 with these limits: their state must stay bounded";
const UNITS = 'one of "millisecond", "second", "minute", "hour", "day"';

/** The problem, and the settings of a rate limiter that have it. */
const limiters: [path: string, value: string, allowed: string, config: unknown][] = [
  ["", "missing", "an object", undefined],
  ["", "null", "an object", null],
  ["", '"api"', "an object", "api"],
  ["name", "missing", "a text", { limits: [second] }],
  ["limits", "missing", "a list", { name: "api" }],
  ["limits", "{}", "a list", { name: "api", limits: {} }],
  [
    "limit",
    "3",
    "left out: the fields here are name, limits, onLimit, lease, whenAway",
    { name: "api", limits: [second], limit: 3 },
  ],
  ["limits[0].limit", "missing", U32, { name: "api", limits: [{ window: "second" }] }],
  ["limits[0]", '"ten a second"', 'an object or a text such as "10/second"', { name: "api", limits: ["ten a second"] }],
  ["limits[0]", "10", 'an object or a text such as "10/second"', { name: "api", limits: [10] }],
  ["limits[0].window", "missing", UNITS, { name: "api", limits: [{ limit: 1 }] }],
  ["limits[0].window", '"week"', UNITS, limited({ window: "week" })],
  ["limits[0].limit", "-1", U32, limited({ limit: -1 })],
  ["limits[0].limit", "4294967296", U32, limited({ limit: 4_294_967_296 })],
  ["limits[0].limit", "1.5", U32, limited({ limit: 1.5 })],
  ["limits[0].limit", "NaN", U32, limited({ limit: Number.NaN })],
  ["limits[0].limit", '"1"', U32, limited({ limit: "1" })],
  ["limits[0].limit", "5n", U32, limited({ limit: 5n })],
  ["limits[0].windowCount", "1e+300", wholeFrom(1, 31_622_400_000), limited({ windowCount: 1e300 })],
  ["limits[0].window", "0 second", "1 millisecond to 366 days in all", limited({ windowCount: 0 })],
  ["limits", "0 limits", "1 to 8 limits", { name: "api", limits: [] }],
  ["limits[0].algorithm.name", '"leaky"', expect.stringContaining("sliding-window"), by({ name: "leaky" })],
  ["limits[0].algorithm.name", "missing", expect.stringContaining("gcra"), by({})],
  ["limits[0].algorithm.burst", "3", "left out: the fields here are name", by({ name: "fixed-window", burst: 3 })],
  ["limits[0].algorithm.subWindows", "0", "1 to 100", by({ name: "sliding-window", subWindows: 0 })],
  ["limits[0].algorithm.burst", "0", "1 to 3162240000", by({ name: "gcra", burst: 0 })],
  ["limits[0].algorithm.burst", "0", "1 to 3162240000", by({ name: "token-bucket", burst: 0 })],
  ["onLimit.behavior", '"drop"', 'one of "reject", "delay", "queue"', on({ behavior: "drop" })],
  ["onLimit.maxWaitMs", "missing", wholeFrom(1, 86_400_000), on({ behavior: "delay" })],
  ["onLimit.maxWaitMs", "0", BOUNDED, on({ behavior: "delay", maxWaitMs: 0 })],
  ["onLimit.maxSize", "0", "1 to 10000", queue({ maxSize: 0 })],
  ["onLimit.timeoutMs", "86400001", DAY, queue({ timeoutMs: 86_400_001 })],
  ["onLimit.graceMs", "1001", "1 to 1000", queue({ graceMs: 1_001 })],
  [
    "whenAway",
    '"share"',
    'one of "error", "open", "closed", {"share": ...}',
    { name: "api", limits: [second], whenAway: "share" },
  ],
];

/** The problem, and the settings of a circuit breaker that have it. */
const breakers: [path: string, value: string, allowed: string, config: unknown][] = [
  ["trip", "missing", "an object", { name: "payments" }],
  ["trip", "no rule", "at least one of `failures`, `consecutive`, `failureRatePercent` and `slowRate`", tripped({})],
  ["trip.failureRate", "50", expect.stringContaining("failureRatePercent"), tripped({ failureRate: 50 })],
  ["trip.failures.withinMs", "missing", wholeFrom(1, 86_400_000), tripped({ failures: { count: 5 } })],
  ["trip.failures.count", "1001", "1 to 1000", tripped({ failures: { count: 1_001, withinMs: 1 } })],
  ["trip.consecutive", '"5"', wholeFrom(1, 1_000_000), tripped({ consecutive: "5" })],
  ["trip.failureRatePercent", "0", "more than 0, at most 100", tripped({ failureRatePercent: 0 })],
  [
    "trip.failureRatePercent",
    "inf",
    "more than 0, at most 100",
    tripped({ failureRatePercent: Number.POSITIVE_INFINITY }),
  ],
  ["trip.failureRatePercent", "NaN", "a number, more than 0, at most 100", tripped({ failureRatePercent: Number.NaN })],
  ["trip.slowRate.slowerThanMs", "0", DAY, tripped({ slowRate: { percent: 1, slowerThanMs: 0 } })],
  [
    "trip.sample",
    '{"minutes":1}',
    'one of {"windowMs": ...}, {"calls": ...}',
    tripped({ consecutive: 1, sample: { minutes: 1 } }),
  ],
  ["trip.sample", "{}", 'one of {"windowMs": ...}, {"calls": ...}', tripped({ consecutive: 1, sample: {} })],
  ["trip.sample.windowMs", "99", "100 to 86400000", tripped({ failureRatePercent: 1, sample: { windowMs: 99 } })],
  ["trip.minimumCalls", "11", "1 to 10", tripped({ failureRatePercent: 1, sample: { calls: 10 }, minimumCalls: 11 })],
  ["openMs", "-1", wholeFrom(1, 2_592_000_000), circuit({ openMs: -1 })],
  ["openMs", "0", "1 to 2592000000", circuit({ openMs: 0 })],
  ["backoff.capMs", "29999", "30000 to 2592000000", circuit({ backoff: { factor: 2, capMs: 29_999 } })],
  [
    "halfOpen.probe",
    "1",
    "left out: the fields here are probes, successes, permitMs, rule",
    circuit({ halfOpen: { probe: 1 } }),
  ],
  ["halfOpen.permitMs", "86400001", DAY, circuit({ halfOpen: { permitMs: 86_400_001 } })],
  [
    "halfOpen.rule",
    '"ratio"',
    'one of "first-failure", {"ratio": ...}, {"rate": ...}',
    circuit({ halfOpen: { rule: "ratio" } }),
  ],
  ["halfOpen.rule.ratio.of", "1", "2 to 1000000", circuit({ halfOpen: { successes: 2, rule: { ratio: { of: 1 } } } })],
  [
    "halfOpen.rule.rate.of",
    "missing",
    wholeFrom(1, 1_000_000),
    circuit({ halfOpen: { rule: { rate: { percent: 50 } } } }),
  ],
  [
    "halfOpen.rule.rate.percent",
    "0",
    "more than 0, at most 100",
    circuit({ halfOpen: { rule: { rate: { percent: 0, of: 1 } } } }),
  ],
  ["others", '"failure"', 'one of "ignored", "success"', circuit({ others: "failure" })],
  [
    "monitored[0].part",
    '"text"',
    'one of "any", "name", "message", "code", "status"',
    circuit({ monitored: [{ part: "text", pattern: "a" }] }),
  ],
  ["monitored[0].pattern", '""', "1 to 1024 bytes long", circuit({ monitored: [{ pattern: "" }] })],
  ["mode", '"on"', expect.stringContaining("forced-open"), circuit({ mode: "on" })],
];

function problemsOf(open: () => unknown) {
  try {
    open();
  } catch (error) {
    if (isConfigError(error)) return error.problems;
    throw error;
  }
  throw new Error("it was taken");
}

describe("malformed settings", () => {
  const gate = new Tidegate();
  it.each(limiters)("of a limiter: %s is %s, must be %s", (path, value, allowed, config) => {
    expect(problemsOf(() => gate.rateLimiter(config as never))).toEqual([{ path, value, allowed }]);
  });

  it.each(breakers)("of a breaker: %s is %s, must be %s", (path, value, allowed, config) => {
    expect(problemsOf(() => gate.circuitBreaker(config as never))).toEqual([{ path, value, allowed }]);
  });

  it("tells of what is out of range along with what is of the wrong type", () => {
    const config = { name: 5, limits: [{ limit: "1", window: "second" }], lease: { maxPermits: 1, lifeMs: 0 } };
    expect(problemsOf(() => gate.rateLimiter(config as never)).map(({ path, value }) => [path, value])).toEqual([
      ["name", "5"],
      ["limits[0].limit", '"1"'],
      ["lease.maxPermits", "1"],
      ["lease.lifeMs", "0"],
    ]);
  });

  it("are all told at once, in one message", () => {
    const config = {
      name: "api",
      limits: [
        { limit: 1_000_001, window: "second", algorithm: { name: "gcra" } },
        { limit: 1, window: "day", windowCount: 0 },
      ],
      onLimit: { behavior: "reject" },
    };
    const error = (() => {
      try {
        return gate.rateLimiter(config as never);
      } catch (thrown) {
        return thrown;
      }
    })();
    expect(error).toBeInstanceOf(ConfigError);
    expect((error as Error).message).toBe(
      'rate limiter "api" is not a valid configuration: limits[0].limit is 1000001, must be at most 1000000 for gcra ' +
        "in this window: 1,000,000 in a second; limits[1].window is 0 day, must be 1 millisecond to 366 days in all",
    );
  });

  it("leave nothing behind in the component", () => {
    expect(gate.stats().runtime).toMatchObject({ traps: 0, instantiated: 1 });
  });
});

describe("settings", () => {
  it("are taken as the other languages write them, with null for what is not set", async () => {
    const gate = new Tidegate();
    const trip = { failures: null, consecutive: 5, failureRatePercent: null, slowRate: null, minimumCalls: 10 };
    const breaker = gate.circuitBreaker({ name: "payments", trip, backoff: null });
    expect((await breaker.admit()).effect).toBe("admitted");
    const limiter = gate.rateLimiter(by({ name: "gcra", burst: null }) as never);
    expect((await limiter.tryAcquire("me")).limit).toBe(10);
  });

  it("are the limiter's own once it is open", async () => {
    const config = { name: "api", limits: [{ limit: 1, window: "second" as const }] };
    const limiter = new Tidegate().rateLimiter(config);
    (config.limits[0] as { limit: number }).limit = 100;
    expect(limiter.config.limits[0]?.limit).toBe(1);
    expect((await limiter.tryAcquire("me")).limit).toBe(1);
  });
});

describe("a limit as text", () => {
  const open = (limit: string) => new Tidegate().rateLimiter({ name: "api", limits: [limit] });
  it.each([
    ["10/second", { limit: 10, window: "second", windowCount: 1 }],
    [" 100 / 5 minutes ", { limit: 100, window: "minute", windowCount: 5 }],
    ["1000 per day", { limit: 1_000, window: "day", windowCount: 1 }],
    ["5/250ms", { limit: 5, window: "millisecond", windowCount: 250 }],
  ])("%s", async (text, limit) => {
    const limiter = open(text);
    expect(limiter.config.limits).toEqual([limit]);
    expect((await limiter.tryAcquire("me")).limit).toBe(limit.limit);
  });

  it.each(["", "10", "/second", "ten/second", "-1/second", "+1/second", "10/week", "1.5/second", "4294967296/s"])(
    "%s is none",
    text => expect(() => open(text)).toThrow("limits[0] is"),
  );
});

describe("a wrong argument", () => {
  const gate = new Tidegate();
  const limiter = gate.rateLimiter({ name: "api", limits: [second] });
  const breaker = gate.circuitBreaker({ name: "payments", trip: { consecutive: 5 } });
  const permit = { generation: 0, admittedAtUs: 1, probe: 0 };
  it.each([
    ["key", () => limiter.tryAcquire(undefined as never)],
    ["key", () => limiter.acquire(5 as never)],
    ["cost", () => limiter.tryAcquire("me", { cost: Number.NaN })],
    ["cost", () => limiter.peek("me", { cost: -1 })],
    ["cost", () => limiter.acquire("me", { cost: "2" as never })],
    ["priority", () => limiter.acquire("me", { priority: 0.5 })],
    ["ticket", () => limiter.cancel("me", Number.NaN)],
    ["decision.chargedAtUs", () => limiter.refund("me", { chargedAtUs: -1 })],
    ["generation", () => breaker.succeeded({ ...permit, generation: Number.NaN }, 1)],
    ["elapsedMs", () => breaker.succeeded(permit, -1)],
    ["message", () => breaker.failed(permit, 1, { name: "", code: "" } as never)],
    ["status", () => breaker.failed(permit, 1, { name: "", message: "", code: "", status: 503 } as never)],
    [
      "causes[0].name",
      () =>
        breaker.failed(permit, 1, { name: "", message: "", code: "", causes: [{ message: "", code: "" }] } as never),
    ],
    ["mode", () => breaker.setMode("off" as never)],
  ])("is named: %s", async (path, call) => {
    const error = await call().catch((thrown: unknown) => thrown);
    if (!isConfigError(error)) throw error;
    expect(error.problems.map(problem => problem.path)).toEqual([path]);
  });

  it.each([
    ["storage", { storage: 1 }],
    ["maxBatch", { maxBatch: 0 }],
    ["store", { store: {} }],
    ["clock", { clock: {} }],
  ])("of a gate is named: %s", (path, options) => {
    expect(problemsOf(() => new Tidegate(options as never)).map(problem => problem.path)).toEqual([path]);
  });
});
