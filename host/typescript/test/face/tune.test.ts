import { expect, it } from "vitest";
// @ts-expect-error: a script without types
import { tune } from "../../scripts/tune.mjs";
import { blocking, ManualClock } from "../../src/index.js";

it("refuses to tune what does not look as it should", () => {
  expect(() => tune("export function instantiate() {}")).toThrow(/matches 0 times instead of 1$/);
});

it.each([
  ["plain", "busy"],
  ["with letters of many bytes", "überlastet 忙 🙂"],
  ["long", "x".repeat(1_000)],
  ["empty", ""],
])("hands a text on that is %s", (_, message) => {
  const part = "message" as const;
  const monitored = [{ part, pattern: message === "" ? "*" : message }];
  const breaker = new blocking.Tidegate({ clock: new ManualClock() }).circuitBreaker({
    name: "c",
    trip: { consecutive: 100 },
    monitored,
  });
  for (let failures = 1; failures <= 50; failures++) {
    const permit = breaker.admit().permit ?? { generation: 0, admittedAtUs: 0, probe: 0 };
    const failure = { name: "Error", message, code: "" };
    expect(breaker.failed(permit, 1, failure)).toMatchObject({ effect: "counted-failure", consecutive: failures });
  }
});

it("reads and writes times that need more than 32 bits, up to what a double tells", () => {
  const clock = new ManualClock(2 ** 52);
  const limiter = new blocking.Tidegate({ clock }).rateLimiter({
    name: "api",
    limits: [{ limit: 1, window: "second" }],
  });
  expect(limiter.tryAcquire("me")).toMatchObject({ verdict: "allowed", atUs: 2 ** 52, chargedAtUs: 2 ** 52 });
  expect(limiter.tryAcquire("me").verdict).toBe("denied");
});
