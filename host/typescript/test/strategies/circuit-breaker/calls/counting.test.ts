/** What counts as a failure, and that a caller always gets what is its own. */

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, type MockInstance, vi } from "vitest";
import {
  blocking,
  type Failure,
  httpFailure,
  isRateLimitError,
  ManualClock,
  Memory,
  MisuseError,
  Tidegate,
} from "../../../../src/index.js";
import { CIRCUIT, open, thrownBy, Upstream } from "./support.js";

let upstream: Upstream;

beforeAll(async () => {
  upstream = await Upstream.start();
});

afterAll(() => upstream.stop());

let logged: MockInstance<(...data: unknown[]) => void>;

beforeEach(() => {
  logged = vi.spyOn(globalThis.console, "error").mockImplementation(() => undefined);
});

afterEach(() => vi.restoreAllMocks());

/** The three faces on one circuit: each makes a call and says what came of it. */
function faces() {
  const [clock, store] = [new ManualClock(), new Memory()];
  const gate = new Tidegate({ clock, store });
  const config = { name: "c", trip: { failures: { count: 100, withinMs: 60_000 } } };
  const breaker = gate.circuitBreaker(config);
  const now = new blocking.Tidegate({ clock, store }).circuitBreaker(config);
  const node = { ...CIRCUIT, failureThreshold: 100 };
  return {
    failures: async () => (await breaker.status()).failures,
    gate,
    breaker,
    now,
    node,
  };
}

/** Makes a call in each face, with one operation and the same options. */
function each(operation: () => unknown, options: Parameters<ReturnType<typeof faces>["now"]["call"]>[1]) {
  const { gate, breaker, now, node, failures } = faces();
  const made: Record<string, () => Promise<unknown>> = {
    call: () => breaker.call(operation, options),
    wrap: () => breaker.wrap(async () => operation(), options)(),
    node: () => gate.withCircuitBreaker(node, {}, operation, options).then(({ result }) => result),
    blocking: async () => now.call(operation, options),
  };
  return { made: Object.entries(made), failures };
}

describe("an HTTP reply", () => {
  it("of fetch is a failure by its status, and is given to the caller all the same", async () => {
    const { breaker } = open();
    for (const status of [500, 503]) {
      const reply = await breaker.call(signal => fetch(upstream.at(`${status}`), { signal }), {
        failureIf: httpFailure,
      });
      expect([reply.status, await reply.text()]).toEqual([status, "body"]);
    }
    expect(await breaker.status()).toMatchObject({ state: "open" });
  });

  it("of fetch is none of an earlier kind, in all ways to make a call", async () => {
    const { breaker, gate } = open();
    const options = { failureIf: httpFailure };
    const get = breaker.wrap((status: number) => fetch(upstream.at(`${status}`)), options);
    await get(200);
    await get(404);
    expect(await breaker.status()).toMatchObject({ consecutive: 0 });
    await get(429);
    expect(await breaker.status()).toMatchObject({ consecutive: 1 });
    const node = { ...CIRCUIT, circuitId: "node" };
    const { result, circuitResult } = await gate.withCircuitBreaker(node, {}, () => fetch(upstream.at("500")), options);
    expect([result?.status, circuitResult.failureCount]).toEqual([500, 1]);
  });

  it("is matched with the patterns", async () => {
    const { breaker } = open({ monitored: [{ part: "code", pattern: "5??" }] });
    for (const status of [429, 503]) await breaker.call(() => ({ status }), { failureIf: httpFailure });
    expect(await breaker.status()).toMatchObject({ consecutive: 1 });
  });
});

describe("a result that is a failure", () => {
  const failure: Failure = { name: "Declined", message: "no", code: "51" };

  it.each([
    [true, 1],
    [failure, 1],
    [false, 0],
    [undefined, 0],
    [null, 0],
  ])("by a predicate that says %j counts %i times in each face", async (found, counted) => {
    const { made, failures } = each(() => "result", { failureIf: () => found });
    for (const [name, make] of made) {
      const before = await failures();
      expect(await make(), name).toBe("result");
      expect((await failures()) - before, name).toBe(counted);
    }
  });

  it.each([
    [
      "throws",
      () => {
        throw new Error("mine");
      },
    ],
    ["gives nonsense", () => ({ name: 5 }) as never],
  ])("is none by a predicate that %s, which is logged once", async (_, failureIf) => {
    const { made, failures } = each(() => "result", { failureIf });
    for (const [name, make] of made) expect(await make(), name).toBe("result");
    expect(await failures()).toBe(0);
    expect(logged).toHaveBeenCalledTimes(1);
  });
});

describe("what an error counts by", () => {
  const error = new Error("mine");
  const fail = () => {
    throw error;
  };

  it("is said by failureOf in each face", async () => {
    const { made, failures } = each(fail, { failureOf: () => ({ name: "Mine", message: "", code: "" }) });
    for (const [name, make] of made) expect(await thrownBy(make()), name).toBe(error);
    expect(await failures()).toBe(4);
    const { breaker, gate } = open({ monitored: [{ part: "name", pattern: "Mine" }] });
    const failureOf = (thrown: unknown) => ({ name: thrown === error ? "Mine" : "", message: "", code: "" });
    await thrownBy(breaker.call(fail, { failureOf }));
    expect(await breaker.status()).toMatchObject({ consecutive: 1 });
    const node = { ...CIRCUIT, circuitId: "node", monitoredErrors: ["Mine"] };
    await thrownBy(gate.withCircuitBreaker(node, {}, fail, { failureOf }));
    expect((await gate.circuitBreakerNode(node).status()).result.failureCount).toBe(1);
  });

  it.each([
    [
      "throws",
      () => {
        throw new Error("another");
      },
    ],
    ["gives nothing", () => undefined as never],
    ["gives what is no text", () => ({ name: "x", message: 5, code: "" }) as never],
  ])("is read from the error where failureOf %s, and the caller gets its own", async (_, failureOf) => {
    const { made, failures } = each(fail, { failureOf });
    for (const [name, make] of made) expect(await thrownBy(make()), name).toBe(error);
    expect(await failures()).toBe(4);
    expect(logged).toHaveBeenCalledTimes(1);
  });

  it("frees a probe's place, whatever it is", async () => {
    const { clock, breaker } = open({ trip: { consecutive: 1 } });
    await thrownBy(breaker.call(fail));
    for (let round = 0; round < 3; round++) {
      clock.advanceMs(1_000);
      const call = breaker.call(() => Promise.reject(new Proxy({}, { get: fail })), { failureOf: fail });
      await call.catch(() => undefined);
      expect(await breaker.status()).toMatchObject({ state: "open", probes: 0 });
    }
  });
});

describe("errors of Tidegate's own within a call", () => {
  /** A limiter that is empty, whose error each call comes to. */
  async function refusing() {
    const limiter = new Tidegate({ clock: new ManualClock() }).rateLimiter({
      name: "l",
      limits: [{ limit: 1, window: "day" }],
    });
    await limiter.acquire("me");
    return thrownBy(limiter.acquire("me"));
  }

  it("are no failures of the outer circuit, in no face, nor where they are a cause", async () => {
    const refusal = await refusing();
    expect(refusal).toSatisfy(isRateLimitError);
    const open = await openCircuit();
    for (const error of [refusal, open, new MisuseError("x"), new Error("could not send", { cause: refusal })]) {
      const { made, failures } = each(() => {
        throw error;
      }, {});
      for (const [name, make] of made) expect(await thrownBy(make()), name).toBe(error);
      expect(await failures()).toBe(0);
    }
  });

  async function openCircuit(): Promise<unknown> {
    const { breaker } = open({ trip: { consecutive: 1 } });
    await thrownBy(breaker.call(() => Promise.reject(new Error("x"))));
    return thrownBy(breaker.call(() => 1));
  }

  it("are where the settings or the call say so", async () => {
    const refusal = await refusing();
    const { made, failures } = each(
      () => {
        throw refusal;
      },
      { countRefusals: true },
    );
    for (const [, make] of made) await thrownBy(make());
    expect(await failures()).toBe(4);
    const { breaker } = open({ countRefusals: true });
    await thrownBy(breaker.call(() => Promise.reject(refusal)));
    await thrownBy(breaker.call(() => Promise.reject(refusal), { countRefusals: false }));
    expect(await breaker.status()).toMatchObject({ consecutive: 1 });
  });

  it("do not hold a probe's place", async () => {
    const refusal = await refusing();
    const { gate, clock, breaker } = open({ trip: { consecutive: 1 } });
    await thrownBy(breaker.call(() => Promise.reject(new Error("x"))));
    clock.advanceMs(1_000);
    await thrownBy(breaker.call(() => Promise.reject(refusal)));
    await gate.flush();
    expect(await breaker.call(() => "back")).toBe("back");
    expect(await breaker.status()).toMatchObject({ state: "closed" });
  });
});
