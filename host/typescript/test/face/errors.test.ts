import { expect, it } from "vitest";
import * as tidegate from "../../src/index.js";
import { isStoreError, MisuseError, StoreError, Tidegate } from "../../src/index.js";

it("knows an error of another copy of the package by its brand", () => {
  const foreign = Object.assign(new Error("away"), { [Symbol.for("tidegate.error")]: "store" });
  expect(isStoreError(foreign)).toBe(true);
  expect(tidegate.isTidegateError(foreign)).toBe(true);
  expect(tidegate.isCircuitOpenError(foreign)).toBe(false);
  for (const other of [new Error("x"), undefined, null, "store", { code: "store" }])
    expect(isStoreError(other)).toBe(false);
});

it("has a predicate for each code, which knows its own class only", () => {
  const errors = [
    new tidegate.ConfigError("x", []),
    new tidegate.InputError("rate-limiter", []),
    new tidegate.CostNeverFitsError("x", 2, 0, 1, 0, 1),
    new StoreError("away", "x"),
    new tidegate.ContendedError(64),
    new tidegate.CallTimeoutError(5),
    new tidegate.ComponentError("x"),
    new MisuseError("x"),
  ];
  const predicates = [
    tidegate.isConfigError,
    tidegate.isInputError,
    tidegate.isCostNeverFitsError,
    tidegate.isStoreError,
    tidegate.isContendedError,
    tidegate.isCallTimeoutError,
    tidegate.isComponentError,
    tidegate.isMisuseError,
  ];
  errors.forEach((error, row) => {
    predicates.forEach((predicate, column) => {
      expect(predicate(error)).toBe(row === column);
    });
    expect(error.name).toBe(error.constructor.name);
  });
});

it("answers by the settings when the store is away", async () => {
  const away = () => Promise.reject(new StoreError("away", "the store is away: test"));
  const store = { commit: away, timeUs: away };
  const gate = new Tidegate({ store: store as never });
  const limiter = (whenAway: "open" | "closed" | "error") =>
    gate.rateLimiter({ name: whenAway, limits: [{ limit: 1, window: "second" }], whenAway });
  expect(await limiter("open").tryAcquire("me")).toMatchObject({ verdict: "allowed", degraded: true });
  expect(await limiter("closed").tryAcquire("me")).toMatchObject({ verdict: "denied", reason: "store-away" });
  await expect(limiter("error").tryAcquire("me")).rejects.toSatisfy(isStoreError);
  const breaker = (whenAway: tidegate.WhenAway) =>
    gate.circuitBreaker({ name: "c", trip: { consecutive: 1 }, whenAway });
  expect(await breaker("open").call(() => 7)).toBe(7);
  expect(await breaker("closed").admit()).toMatchObject({ effect: "refused-away", state: "open", degraded: true });
  await expect(breaker("error").admit()).rejects.toSatisfy(isStoreError);
});
