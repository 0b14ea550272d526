import { afterEach, describe, expect, it } from "vitest";
import * as tidegate from "../../src/index.js";
import { isConfigError, type NodeOptions } from "../../src/index.js";
import { Cache } from "../../src/nodes/cache.js";
import { CIRCUIT, gateAndClock, LIMIT, thrownBy } from "./support.js";

const PASSED = { passed: true, queued: false, waitTime: 0, currentCount: 1, limit: 2, resetIn: 1_000 };
const CLOSED = {
  allowed: true,
  circuitState: "closed",
  failedFast: false,
  fallbackUsed: false,
  failureCount: 0,
  successCount: 0,
};

afterEach(() => tidegate.setDefaultGate(undefined));

describe.each(["of a gate", "of the module"])("the functions %s", which => {
  const open = () => {
    const { clock, gate } = gateAndClock();
    tidegate.setDefaultGate(gate);
    return { clock, functions: which === "of a gate" ? gate : tidegate };
  };

  it("merge the result's fields into the context, or put them under a name", async () => {
    const { functions } = open();
    const context = { z: 1, userId: "me", limit: "replaced", a: 2 };
    const out = await functions.executeRateLimiterNode(LIMIT, context);
    const passed: boolean = out.passed;
    expect([passed, out]).toEqual([true, { ...context, ...PASSED }]);
    expect(Object.keys(out).slice(0, 5)).toEqual(["z", "userId", "limit", "a", "passed"]);
    expect(context.limit).toBe("replaced");
    const named = await functions.executeCircuitBreakerNode({ ...CIRCUIT, outputVariable: "circuit" }, context);
    const allowed: boolean = named.circuit.allowed;
    expect([allowed, named]).toEqual([true, { ...context, circuit: CLOSED }]);
  });

  it("leave all else of a context as it is", async () => {
    const { functions } = open();
    const inherited = { inherited: true };
    const symbol = Symbol("mine");
    const context: Record<PropertyKey, unknown> = Object.assign(Object.create(inherited), {
      userId: 7n,
      at: new Date(0),
      run: () => 5,
      big: 2n ** 70n,
      gap: undefined,
      [symbol]: 1,
    });
    context["self"] = context;
    Object.defineProperty(context, "__proto__", { value: { evil: true }, enumerable: true });
    Object.defineProperty(context, "hidden", { value: 1, enumerable: false });
    const out: Record<PropertyKey, unknown> = await functions.executeRateLimiterNode(
      { ...LIMIT, outputVariable: "rate" },
      context,
    );
    expect(Reflect.ownKeys(out)).toEqual([...Reflect.ownKeys(context).filter(isEnumerable), "rate"].sort(symbolsLast));
    for (const name of Reflect.ownKeys(context).filter(isEnumerable)) {
      expect(Object.getOwnPropertyDescriptor(out, name)?.value).toBe(context[name]);
    }
    expect(Object.getPrototypeOf(out)).toBe(Object.prototype);
    expect(out).not.toBe(context);
    function isEnumerable(name: PropertyKey): boolean {
      return Object.prototype.propertyIsEnumerable.call(context, name);
    }
  });

  it("put a result under a name that is a setter elsewhere", async () => {
    const { functions } = open();
    const out = await functions.executeRateLimiterNode({ ...LIMIT, outputVariable: "__proto__" }, { userId: "me" });
    expect(Object.getOwnPropertyDescriptor(out, "__proto__")?.value).toEqual(PASSED);
    expect(Object.getPrototypeOf(out)).toBe(Object.prototype);
  });

  it("take a text and give it back byte for byte, with the result in it", async () => {
    const { functions } = open();
    const text = '{ "userId" : "\\u006de",\n "total": 12345678901234567890.10, "a": 1, "a": 2, "é忙🙂": [1e3 ] }';
    const rate = await functions.executeRateLimiterNode({ ...LIMIT, outputVariable: "rate" }, text);
    expect(rate.replace(`,"rate":${JSON.stringify(PASSED)}`, "")).toBe(text);
    expect(rate).not.toBe(text);
    const circuit = await functions.executeCircuitBreakerNode(JSON.stringify(CIRCUIT), text);
    expect(circuit.replace(`,${JSON.stringify(CLOSED).slice(1, -1)}`, "")).toBe(text);
    expect(circuit).not.toBe(text);
  });

  it("record outcomes that nobody kept a token of", async () => {
    const { clock, functions } = open();
    await functions.executeCircuitBreakerNode(CIRCUIT, {});
    expect((await functions.recordCircuitFailure("payments", CIRCUIT, new Error("x"))).failureCount).toBe(1);
    expect((await functions.recordCircuitFailure("payments", CIRCUIT, "x")).circuitState).toBe("open");
    clock.advanceMs(5_000);
    await functions.executeCircuitBreakerNode(CIRCUIT, {});
    expect((await functions.recordCircuitSuccess("payments", CIRCUIT)).circuitState).toBe("closed");
    const error = await thrownBy(functions.recordCircuitSuccess("orders", CIRCUIT));
    expect(isConfigError(error) && error.problems).toEqual([
      { path: "circuitId", value: '"payments"', allowed: '"orders", the circuit of the call' },
    ]);
  });

  it("guard an operation that is given the context and the signal", async () => {
    const { functions } = open();
    const [context, { signal }] = [{ order: 5 }, new AbortController()];
    const seen: unknown[] = [];
    const pay = async (of: typeof context, given: AbortSignal | undefined) => {
      seen.push(of, given);
      return of.order;
    };
    const guarded = await functions.withCircuitBreaker(CIRCUIT, context, pay, { signal });
    const order: number | undefined = guarded.result;
    expect([order, guarded]).toEqual([5, { result: 5, circuitResult: CLOSED }]);
    expect(seen[0]).toBe(context);
    expect(seen[1]).toBe(signal);
    await functions.withCircuitBreaker(CIRCUIT, context, pay);
    expect(seen[3]).toMatchObject({ aborted: false });
  });

  it("record an error of the operation and throw it on", async () => {
    const { functions } = open();
    const config = { ...CIRCUIT, failureThreshold: 1, fallbackAction: "default", fallbackValue: "later" } as const;
    const error = new Error("down");
    expect(await thrownBy(functions.withCircuitBreaker(config, {}, () => Promise.reject(error)))).toBe(error);
    expect(await functions.withCircuitBreaker(config, {}, () => "paid")).toMatchObject({
      result: "later",
      circuitResult: { allowed: false, failedFast: true, fallbackUsed: true, circuitState: "open" },
    });
    const out = await functions.executeCircuitBreakerNode(config, { order: 5 });
    expect(out).toMatchObject({ order: 5, allowed: false, fallbackUsed: true, lastFailure: expect.any(Date) });
  });

  it("reject, and do not throw, what is wrong", async () => {
    const { functions } = open();
    const bad = "{}";
    const options: NodeOptions = { signal: AbortSignal.abort(new Error("enough")) };
    for (const call of [
      () => functions.executeRateLimiterNode(bad, {}),
      () => functions.executeCircuitBreakerNode(bad, {}),
      () => functions.recordCircuitSuccess("x", bad),
      () => functions.recordCircuitFailure("x", bad, 0),
      () => functions.withCircuitBreaker(bad, {}, () => 5),
    ]) {
      expect(isConfigError(await thrownBy(call()))).toBe(true);
    }
    await expect(functions.executeRateLimiterNode(LIMIT, { userId: "me" }, options)).rejects.toThrow("enough");
    await expect(functions.executeCircuitBreakerNode(CIRCUIT, {}, options)).rejects.toThrow("enough");
  });

  it("give back what they took for a context that takes no result", async () => {
    const { clock, functions } = open();
    const bad = {
      userId: "me",
      get broken() {
        throw new Error("broken");
      },
    };
    await expect(functions.executeRateLimiterNode({ ...LIMIT, limit: 1 }, bad)).rejects.toThrow("broken");
    const next = await functions.executeRateLimiterNode({ ...LIMIT, limit: 1 }, { userId: "me" });
    expect(next.passed).toBe(true);
    await functions.recordCircuitFailure("payments", { ...CIRCUIT, failureThreshold: 1 }, "x");
    clock.advanceMs(5_000);
    for (const context of [[], null, "[]"]) {
      const error = await thrownBy(functions.executeCircuitBreakerNode(CIRCUIT, context as object));
      expect(tidegate.isInputError(error) && error.problems[0]?.path).toBe("context");
    }
    expect((await functions.executeCircuitBreakerNode(CIRCUIT, {})).allowed).toBe(true);
  });
});

function symbolsLast(a: PropertyKey, b: PropertyKey): number {
  return Number(typeof a === "symbol") - Number(typeof b === "symbol");
}

it("opens settings once until enough others came", () => {
  let opened = 0;
  const cache = new Cache(config => {
    opened++;
    return { config };
  });
  expect([cache.get("a"), cache.get("a").config]).toEqual([cache.get("a"), "a"]);
  expect(opened).toBe(1);
  for (let other = 0; other < 255; other++) cache.get(`${other}`);
  cache.get("a");
  expect(opened).toBe(256);
  cache.get("one more");
  cache.get("a");
  expect(opened).toBe(258);
});

it("opens nodes of the same settings once", () => {
  const { gate } = gateAndClock();
  expect(gate.rateLimiterNode({ ...LIMIT })).toBe(gate.rateLimiterNode(JSON.stringify(LIMIT)));
  expect(gate.circuitBreakerNode({ ...CIRCUIT })).not.toBe(gate.circuitBreakerNode({ ...CIRCUIT, circuitId: "other" }));
});
