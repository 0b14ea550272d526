/**
 * What is left of an error when it is cloned, sent to another thread, written as JSON, logged or
 * made anew.
 */

import { once } from "node:events";
import { inspect } from "node:util";
import { Worker } from "node:worker_threads";
import { err } from "pino-std-serializers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import * as tidegate from "../../src/index.js";
import {
  errorFrom,
  isRateLimitError,
  isTidegateError,
  Memory,
  RateLimitError,
  StoreError,
  Tidegate,
} from "../../src/index.js";

/** One of each, as they come. */
async function errors(): Promise<tidegate.TidegateError[]> {
  const gate = new Tidegate();
  const limiter = gate.rateLimiter({ name: "api", limits: ["1/day"] });
  await limiter.acquire("me");
  const breaker = gate.circuitBreaker({ name: "pay", trip: { consecutive: 1 } });
  await breaker.call(() => Promise.reject(new Error("down"))).catch(() => undefined);
  const full = new Tidegate({ store: new Memory({ capacity: 1, whenFull: "refuse" }) });
  await full.rateLimiter({ name: "a", limits: ["1/day"] }).acquire("me");
  const attempts = [
    () => gate.rateLimiter({ name: "api", limits: [] }),
    () => gate.executeRateLimiterNode({ limit: 1, window: "day", keyType: "per-user", behavior: "reject" }, {}),
    () => limiter.tryAcquire("me", { cost: 2 }),
    () => limiter.acquire("me"),
    () => breaker.call(() => 1),
    () =>
      gate
        .circuitBreaker({ name: "slow", trip: { consecutive: 9 } })
        .call(() => new Promise(() => {}), { timeoutMs: 1 }),
    () => full.rateLimiter({ name: "a", limits: ["1/day"] }).acquire("you"),
    () => tidegate.redisStore(5 as never),
  ];
  const thrown = attempts.map(attempt => (async () => attempt())().catch((error: unknown) => error));
  const made = [
    new tidegate.OverloadedError(5, 4),
    new tidegate.ContendedError(64),
    new tidegate.ComponentError("trapped", { cause: new RangeError("deep") }),
    new StoreError("away", "the store is away", { cause: Object.assign(new Error("no"), { code: "ECONNREFUSED" }) }),
  ];
  return [...((await Promise.all(thrown)) as tidegate.TidegateError[]), ...made];
}

let all: tidegate.TidegateError[];
beforeAll(async () => {
  all = await errors();
});

/** Own fields, which a class has declared. */
const fieldsOf = (error: object) => Object.entries(error).filter(([, value]) => value !== undefined);

function expectSame(made: tidegate.TidegateError | undefined, error: tidegate.TidegateError): void {
  expect(made).toBeInstanceOf(error.constructor);
  expect(made).toBeInstanceOf(Error);
  expect(Object.prototype.toString.call(made)).toBe("[object Error]");
  expect([made?.name, made?.message, made?.stack]).toEqual([error.name, error.message, error.stack]);
  const [cause, before] = [made, error].map(each => each?.cause) as [Error | undefined, Error | undefined];
  expect([cause?.name, cause?.message, cause?.stack]).toEqual([before?.name, before?.message, before?.stack]);
  expect({ ...cause }).toEqual({ ...before });
  expect(JSON.parse(JSON.stringify({ ...made }))).toEqual(JSON.parse(JSON.stringify({ ...error })));
  expect(inspect(made)).toContain(error.name);
}

it("there is one of each kind", () => {
  const codes = all.map(({ code }) => code);
  expect(codes).toEqual(
    "config input cost-never-fits rate-limited circuit-open call-timed-out store misuse overloaded contended component store".split(
      " ",
    ),
  );
});

it("each is the same again when it was written as JSON and read", () => {
  for (const error of all) {
    const text = JSON.stringify({ error });
    expectSame(errorFrom(JSON.parse(text).error), error);
  }
});

describe("a worker thread", () => {
  let worker: Worker;
  beforeAll(() => {
    worker = new Worker(
      'const { parentPort: port } = require("node:worker_threads"); port.on("message", it => port.postMessage(it));',
      {
        eval: true,
      },
    );
  });
  afterAll(() => worker.terminate());

  it("has the same error when it is sent as plain data, there and back", async () => {
    for (const error of all) {
      worker.postMessage(error.toJSON());
      expectSame(errorFrom((await once(worker, "message"))[0]), error);
    }
  });

  it("has message, stack and cause of what is sent as it is, as of any error with a class", async () => {
    for (const error of [all[3], all[11]] as tidegate.TidegateError[]) {
      worker.postMessage(error);
      for (const clone of [structuredClone(error), (await once(worker, "message"))[0]]) {
        expect([clone.message, clone.stack]).toEqual([error.message, error.stack]);
        expect(clone.cause?.message).toBe((error.cause as Error | undefined)?.message);
        expect(clone.stack).toContain(`${error.name}: `);
        // The algorithm keeps neither class nor fields of an error. So it is taken for none of
        // ours, rather than for one without its fields.
        expect([clone.name, Object.keys(clone), isTidegateError(clone), errorFrom(clone)]).toEqual([
          "Error",
          [],
          false,
          undefined,
        ]);
      }
    }
  });
});

it("what an error was made with is found in all that logs show of it", () => {
  for (const error of all) {
    const { message, name, code } = error;
    const logged = err(error);
    expect(logged).toMatchObject({ type: error.constructor.name, code });
    expect(logged.message).toContain(message);
    expect(logged.stack).toContain(message);
    expect(JSON.parse(JSON.stringify(error))).toMatchObject({ name, message, code, stack: error.stack });
    const shown = inspect(error, { depth: 9 });
    expect(shown).toMatch(new RegExp(`^${name}: `));
    for (const [field] of fieldsOf(error)) {
      if (field !== "name") expect(shown).toContain(`${field}: `);
      expect(logged).toHaveProperty(field);
    }
  }
  const [limited] = all.filter(isRateLimitError);
  expect(JSON.parse(JSON.stringify(limited))).toMatchObject({
    limiter: "api",
    decision: { verdict: "denied", reason: "limit" },
  });
  const away = JSON.stringify(all[11]);
  expect(JSON.parse(away).cause).toMatchObject({ name: "Error", message: "no", code: "ECONNREFUSED" });
});

it("a class of one's own is known by its base, also when it comes back", () => {
  class TenantLimited extends RateLimitError {
    override readonly name = "TenantLimited";
    readonly tenant = "seven";
  }
  const { limiter, decision } = all.find(isRateLimitError) as RateLimitError;
  const error = new TenantLimited(limiter, decision);
  expect([isRateLimitError(error), error instanceof tidegate.TidegateError, `${error}`]).toEqual([
    true,
    true,
    `TenantLimited: ${error.message}`,
  ]);
  const back = errorFrom(JSON.parse(JSON.stringify(error)));
  expect(back).toMatchObject({ name: "TenantLimited", tenant: "seven", retryAfterMs: decision.retryAfterMs });
  expect(isRateLimitError(back)).toBe(true);
});

it("what is no error's data makes none", () => {
  const others = [
    undefined,
    null,
    5,
    "x",
    {},
    [],
    { code: "config" },
    { code: "toString", message: "x" },
    new Error("x"),
    { code: "ENOENT", message: "x" },
  ];
  expect(others.map(errorFrom)).toEqual(others.map(() => undefined));
  const [error] = all;
  expect(errorFrom(error)).toBe(error);
});

it("a cause that goes round, is no plain data or has no end is told as far as it goes", () => {
  const cause: Error & { self?: unknown } = new Error("round");
  cause.cause = cause;
  cause.self = { of: cause, n: 5n };
  const plain = new StoreError("away", "x", { cause }).toJSON();
  expect(JSON.stringify(plain).length).toBeLessThan(100_000);
  expect(plain.cause).toMatchObject({ message: "round", self: "an object that is not plain data" });
  expect(new StoreError("away", "x", { cause: "a text" }).toJSON().cause).toBe("a text");
});
