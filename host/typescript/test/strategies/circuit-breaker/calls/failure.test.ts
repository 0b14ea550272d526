/** What an error counts by, whatever was thrown. */

import { describe, expect, it } from "vitest";
import { type CircuitBreakerConfig, failureOf, httpFailure, ManualClock, Tidegate } from "../../../../src/index.js";

const NONE = { name: "", message: "", code: "", status: "" };

/** An error as libraries make them, with fields of its own. */
function withFields(error: Error, fields: object): Error {
  return Object.assign(error, fields);
}

class HttpError extends Error {}
class Busy extends HttpError {
  override name = "BusyError";
}

function throwing(): never {
  throw new Error("a getter that fails");
}

describe("what an error counts by", () => {
  it.each([
    [new TypeError("bad"), { name: "TypeError", message: "bad", code: "", status: "" }],
    [
      withFields(new Error("no"), { code: "ECONNRESET" }),
      { ...NONE, name: "Error", message: "no", code: "ECONNRESET" },
    ],
    [withFields(new Error("no"), { statusCode: 429 }), { name: "Error", message: "no", code: "429", status: "429" }],
    [
      withFields(new Error("no"), { code: "ERR_BAD_RESPONSE", response: { status: 502 } }),
      { name: "Error", message: "no", code: "ERR_BAD_RESPONSE", status: "502" },
    ],
    [
      withFields(new Error("no"), { response: { statusCode: 503 } }),
      { name: "Error", message: "no", code: "503", status: "503" },
    ],
    [
      withFields(new Error("no"), { $metadata: { httpStatusCode: 500 } }),
      { name: "Error", message: "no", code: "500", status: "500" },
    ],
    [withFields(new Error("no"), { errno: -111 }), { ...NONE, name: "Error", message: "no", code: "-111" }],
    ["text", { ...NONE, message: "text" }],
    [undefined, { ...NONE, message: "undefined" }],
    [null, { ...NONE, message: "null" }],
    [7n, { ...NONE, message: "7" }],
    [Symbol("s"), { ...NONE, message: "Symbol(s)" }],
    [
      { name: 5, message: {} },
      { ...NONE, name: "5" },
    ],
    [Object.create(null), NONE],
  ])("of %s", (error, expected) => expect(failureOf(error)).toEqual({ ...expected, causes: [] }));

  it("has the names of its classes, but not those that all have", () => {
    expect(failureOf(new Busy("x")).causes).toEqual([
      { ...NONE, name: "Busy" },
      { ...NONE, name: "HttpError" },
    ]);
    expect(failureOf(new DOMException("late", "TimeoutError"))).toMatchObject({
      name: "TimeoutError",
      causes: [{ name: "DOMException" }],
    });
  });

  it("has its causes, the nearest first, and all errors of an aggregate", () => {
    const refused = withFields(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" });
    const both = new AggregateError([refused, "gone"], "all failed");
    const outer = new TypeError("fetch failed", { cause: both });
    expect(failureOf(outer).causes?.map(({ message, code }) => [message, code])).toEqual([
      ["all failed", ""],
      ["connect ECONNREFUSED", "ECONNREFUSED"],
      ["gone", ""],
    ]);
  });

  it("ends where causes go round in circles or do not end", () => {
    const circle = new Error("a");
    circle.cause = new Error("b", { cause: circle });
    expect(failureOf(circle).causes).toHaveLength(1);
    const deep = Array.from({ length: 1_000 }).reduce<Error>(cause => new Error("x", { cause }), new Error("x"));
    expect(failureOf(deep).causes).toHaveLength(15);
    expect(failureOf(new AggregateError(Array(1_000_000).fill(1), "wide")).causes).toHaveLength(1);
    expect(
      failureOf(
        new AggregateError(
          Array.from({ length: 100 }, (_, n) => n),
          "wide",
        ),
      ).causes,
    ).toHaveLength(15);
  });

  const mine = (fields: PropertyDescriptorMap) => Object.defineProperties(new Error("mine"), fields);
  const unreadable: [string, () => unknown, object][] = [
    ["a getter that fails", () => mine({ code: { get: throwing } }), { message: "mine" }],
    ["a name that fails", () => mine({ name: { get: throwing } }), { message: "mine" }],
    ["a cause that fails", () => mine({ cause: { get: throwing } }), { message: "mine" }],
    ["a proxy that fails", () => new Proxy({}, { get: throwing, getPrototypeOf: throwing }), { message: "" }],
    ["a revoked proxy", revoked, { message: "" }],
    ["an object that has no text", () => ({ toString: throwing }), { message: "" }],
    ["errors that fail", () => mine({ errors: { value: revoked() } }), { message: "mine" }],
    ["a response that fails", () => mine({ response: { value: revoked() } }), { message: "mine" }],
    ["a function", () => throwing, { name: "throwing" }],
  ];
  it.each(unreadable)("is read as far as it can be, of %s", async (_, make, expected) => {
    const error = make();
    expect(failureOf(error)).toMatchObject(expected);
    const breaker = new Tidegate().circuitBreaker({ name: "c", trip: { consecutive: 1 } });
    const thrown = await breaker.call(() => Promise.reject(error)).catch((thrown: unknown) => ({ thrown }));
    expect(Object.is((thrown as { thrown: unknown }).thrown, error)).toBe(true);
    expect((await breaker.status()).state).toBe("open");
  });

  it("is no longer than can be looked at", () => {
    expect(failureOf(new Error("x".repeat(1_000_000))).message).toHaveLength(8_192);
  });
});

function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

describe("a reply", () => {
  it.each([
    [{ status: 500 }, "500"],
    [{ statusCode: 503 }, "503"],
    [new Response(null, { status: 599 }), "599"],
    [{ status: 429 }, "429"],
    [{ status: 408 }, "408"],
  ])("%s is a failure", (reply, status) => {
    const expected = { name: "HttpStatus", message: `the reply has status ${status}`, code: status, status };
    expect(httpFailure(reply)).toMatchObject(expected);
  });

  it.each([[{ status: 200 }], [{ status: 404 }], [{ status: "ok" }], [{}], [undefined], ["500"]])("%# is none", reply =>
    expect(httpFailure(reply)).toBeUndefined(),
  );

  it("that cannot be read is none", () => expect(httpFailure(revoked())).toBeUndefined());
});

/** How many of the failures in a row the circuit has counted after calls that failed so. */
async function counted(config: Partial<CircuitBreakerConfig>, ...errors: unknown[]): Promise<number> {
  const gate = new Tidegate({ clock: new ManualClock() });
  const breaker = gate.circuitBreaker({ name: "c", trip: { consecutive: 100 }, ...config });
  for (const error of errors) await expect(breaker.call(() => Promise.reject(error))).rejects.toBe(error);
  return (await breaker.status()).consecutive;
}

describe("patterns", () => {
  it("see what a cause says", async () => {
    const refused = new TypeError("fetch failed", { cause: withFields(new Error("x"), { code: "ECONNREFUSED" }) });
    expect(await counted({ monitored: [{ part: "code", pattern: "ECONNREFUSED" }] }, refused, new Error("no"))).toBe(1);
  });

  it("see a status", async () => {
    const monitored = [{ part: "status", pattern: "5??" }] as const;
    const failed = withFields(new Error("x"), { code: "ERR_BAD_RESPONSE", response: { status: 503 } });
    expect(await counted({ monitored }, failed, withFields(new Error("x"), { status: 404 }))).toBe(1);
    expect(
      await counted(
        { ignored: [{ part: "status", pattern: "404" }] },
        failed,
        withFields(new Error("x"), { status: 404 }),
      ),
    ).toBe(1);
  });

  it("may be classes, which match their subclasses and those that have one for a cause", async () => {
    const caused = new Error("x", { cause: new Busy("y") });
    expect(
      await counted({ monitored: [HttpError] }, new HttpError("x"), new Busy("x"), caused, new TypeError("x")),
    ).toBe(3);
    expect(await counted({ monitored: [Busy] }, new HttpError("x"), new Busy("x"))).toBe(1);
    expect(await counted({ ignored: [TypeError] }, new TypeError("x"), new Error("x"))).toBe(1);
    expect(await counted({ monitored: [Error] }, new TypeError("x"), new Busy("x"), "no error")).toBe(2);
    expect(await counted({ monitored: [DOMException] }, new DOMException("x", "TimeoutError"), new Error("x"))).toBe(1);
  });

  it("are plain data in the settings of a handle, whatever they were written as", () => {
    const gate = new Tidegate();
    const monitored = [HttpError, { pattern: "x" }, Error];
    const { config } = gate.circuitBreaker({ name: "c", trip: { consecutive: 1 }, monitored });
    expect(config.monitored).toEqual([
      { part: "name", pattern: "HttpError" },
      { pattern: "x" },
      { part: "name", pattern: "?*" },
    ]);
    expect(gate.circuitBreaker(JSON.parse(JSON.stringify(config))).config).toEqual(config);
    expect(() => gate.circuitBreaker({ name: "c", trip: { consecutive: 1 }, monitored: [class {}] })).toThrow(
      "monitored[0] is a function, must be an object",
    );
  });

  it("take a message that is not Unicode, in a name, a code and a cause as well", async () => {
    const half = "half \ud800";
    const error = withFields(new Error(half, { cause: new Error(half) }), { code: half, name: half });
    expect(await counted({ monitored: [{ part: "message", pattern: "half ?" }] }, error)).toBe(1);
    expect(await counted({}, error)).toBe(1);
  });
});
