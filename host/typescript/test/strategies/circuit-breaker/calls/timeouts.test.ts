/** Calls that take too long, or are given up. */

import { setImmediate } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  blocking,
  CallTimeoutError,
  type CircuitBreaker,
  isCallTimeoutError,
  isCircuitOpenError,
  isConfigError,
  ManualClock,
  Tidegate,
} from "../../../../src/index.js";
import { CIRCUIT, open, thrownBy, Upstream } from "./support.js";

const never = () => new Promise<never>(() => undefined);

let upstream: Upstream;

beforeAll(async () => {
  upstream = await Upstream.start();
});

afterAll(() => upstream.stop());

describe("a server that hangs opens the circuit", () => {
  const gate = new Tidegate();
  const circuit = (name: string) => gate.circuitBreaker({ name, trip: { consecutive: 2 } });
  const timeout = () => AbortSignal.timeout(30);
  const hang = (signal?: AbortSignal) => fetch(upstream.at("hang"), signal ? { signal } : {});

  it.each<[string, (breaker: CircuitBreaker) => Promise<unknown>]>([
    [
      "the same signal given to the call and to fetch",
      breaker => {
        const signal = timeout();
        return breaker.call(() => hang(signal), { signal });
      },
    ],
    ["a signal given to the call only", breaker => breaker.call(() => hang(), { signal: timeout() })],
    ["the call's signal given to fetch", breaker => breaker.call(hang, { signal: timeout() })],
    ["a signal given to fetch only", breaker => breaker.call(() => hang(timeout()))],
    ["a time limit of the call", breaker => breaker.call(hang, { timeoutMs: 30 })],
    [
      "a time limit of a wrapped function",
      breaker => breaker.wrap(hang, { timeoutMs: 30, withSignal: (_, s) => [s] })(),
    ],
    [
      "a signal of a wrapped function's arguments",
      breaker => breaker.wrap(hang, { signal: signal => signal })(timeout()),
    ],
    [
      "a time limit of a permit",
      async breaker => {
        await using permit = await breaker.permit({ timeoutMs: 30 });
        await hang(permit.signal);
      },
    ],
  ])("by %s", async (name, call) => {
    const breaker = circuit(name);
    for (let calls = 0; calls < 2; calls++) await expect(call(breaker)).rejects.toThrow(/time|took longer/);
    expect((await breaker.status()).state).toBe("open");
    expect(await thrownBy(call(breaker))).toSatisfy(isCircuitOpenError);
  });

  it("by a time limit of a node's call", async () => {
    const call = () =>
      gate.withCircuitBreaker({ ...CIRCUIT, circuitId: "node" }, {}, (_, signal) => hang(signal), { timeoutMs: 30 });
    for (let calls = 0; calls < 2; calls++) await expect(call()).rejects.toSatisfy(isCallTimeoutError);
    await expect(call()).rejects.toSatisfy(isCircuitOpenError);
  });
});

describe("a call's time limit", () => {
  it("stops the operation, whose signal is aborted, and is an error of its own", async () => {
    const { clock, breaker } = open();
    const signals: AbortSignal[] = [];
    const call = breaker.call(
      signal => {
        signals.push(signal);
        return never();
      },
      { timeoutMs: 500 },
    );
    const thrown = thrownBy(call);
    await setImmediate();
    clock.advanceMs(499);
    expect(signals[0]?.aborted).toBe(false);
    clock.advanceMs(1);
    const error = await thrown;
    if (!isCallTimeoutError(error)) throw error;
    expect(error).toMatchObject({ name: "CallTimeoutError", code: "call-timed-out", timeoutMs: 500 });
    expect(error.message).toBe("the call took longer than 500 ms and was given up");
    expect(signals[0]).toMatchObject({ aborted: true, reason: error });
    expect(await breaker.status()).toMatchObject({ consecutive: 1 });
  });

  it("leaves nothing behind when the call ends before", async () => {
    const { clock, breaker } = open();
    const controller = new AbortController();
    const { signal } = controller;
    let given: AbortSignal | undefined;
    const operation = async (signal: AbortSignal) => {
      given = signal;
    };
    await breaker.call(operation, { timeoutMs: 500, signal });
    expect(clock.sleepers).toBe(0);
    controller.abort();
    expect(given?.aborted).toBe(false);
    await thrownBy(breaker.call(() => Promise.reject(new Error("x")), { timeoutMs: 500 }));
    expect(clock.sleepers).toBe(0);
  });

  it("is told to the operation together with the caller's own signal", async () => {
    const { gate, breaker } = open();
    const controller = new AbortController();
    let given: AbortSignal | undefined;
    const call = breaker.call(
      signal => {
        given = signal;
        return never();
      },
      { timeoutMs: 500, signal: controller.signal },
    );
    const thrown = thrownBy(call);
    await setImmediate();
    controller.abort("enough");
    expect(await thrown).toBe("enough");
    expect(given).toMatchObject({ aborted: true, reason: "enough" });
    await gate.flush();
    expect(await breaker.status()).toMatchObject({ consecutive: 0 });
  });

  it("does not begin before the call is admitted, and frees a probe's place", async () => {
    const { clock, breaker } = open({ trip: { consecutive: 1 } });
    await thrownBy(breaker.call(() => Promise.reject(new Error("x"))));
    clock.advanceMs(1_000);
    const probe = thrownBy(breaker.call(never, { timeoutMs: 10 }));
    await setImmediate();
    clock.advanceMs(10);
    expect(await probe).toSatisfy(isCallTimeoutError);
    expect(await breaker.status()).toMatchObject({ state: "open", probes: 0 });
  });

  it("counts where only others are monitored, and not where it is ignored", async () => {
    const late = async (breaker: CircuitBreaker, clock: ManualClock) => {
      const call = thrownBy(breaker.call(never, { timeoutMs: 10 }));
      await setImmediate();
      clock.advanceMs(10);
      expect(await call).toSatisfy(isCallTimeoutError);
      return (await breaker.status()).consecutive;
    };
    const monitored = open({ monitored: [{ pattern: "ECONNRESET" }] });
    expect(await late(monitored.breaker, monitored.clock)).toBe(1);
    const ignored = open({ ignored: [CallTimeoutError] });
    expect(await late(ignored.breaker, ignored.clock)).toBe(0);
  });

  it.each([0, -1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, "5", null, 86_400_001])(
    "cannot be %s",
    async timeoutMs => {
      const { breaker, gate } = open();
      const limits = { timeoutMs: timeoutMs as number };
      const limiter = gate.rateLimiter({ name: "l", limits: [{ limit: 1, window: "second" }] });
      const calls = [
        () => breaker.call(() => 1, limits),
        () => breaker.permit(limits),
        () => limiter.permit("me", limits),
        async () => breaker.wrap(() => 1, limits),
        async () => limiter.wrap(() => 1, { key: "me", ...limits }),
        () => gate.withCircuitBreaker(CIRCUIT, {}, () => 1, limits),
      ];
      for (const call of calls) expect(await thrownBy(call())).toSatisfy(isConfigError);
      expect(await breaker.status()).toMatchObject({ consecutive: 0, calls: 0 });
    },
  );

  it("limits what a limiter has let go, and gives it a signal", async () => {
    const clock = new ManualClock();
    const limiter = new Tidegate({ clock }).rateLimiter({ name: "l", limits: [{ limit: 9, window: "second" }] });
    const seen: AbortSignal[] = [];
    const hang = (_: string, signal?: AbortSignal) => {
      if (signal) seen.push(signal);
      return never();
    };
    const wrapped = limiter.wrap(hang, { key: to => to, timeoutMs: 10, withSignal: ([to], signal) => [to, signal] });
    const thrown = thrownBy(wrapped("me"));
    await setImmediate();
    clock.advanceMs(10);
    expect(await thrown).toSatisfy(isCallTimeoutError);
    expect(seen[0]?.aborted).toBe(true);
    expect(clock.sleepers).toBe(0);
  });
});

describe("a call that is given up by its signal", () => {
  const give = (reason?: unknown) => {
    const controller = new AbortController();
    return { signal: controller.signal, abort: () => controller.abort(reason) };
  };

  it("has failed if the reason is a TimeoutError, also where the operation fails first with another", async () => {
    const { breaker } = open();
    const { signal, abort } = give(new DOMException("late", "TimeoutError"));
    const own = new Error("the socket was closed");
    const call = breaker.call(
      given =>
        new Promise((_, reject) => {
          given.addEventListener("abort", () => reject(own));
        }),
      { signal },
    );
    const thrown = thrownBy(call);
    await setImmediate();
    abort();
    await thrown;
    expect(await breaker.status()).toMatchObject({ consecutive: 1 });
  });

  it("has no outcome otherwise, and a probe's place is free", async () => {
    const { gate, clock, breaker } = open({ trip: { consecutive: 1 } });
    await thrownBy(breaker.call(() => Promise.reject(new Error("x"))));
    clock.advanceMs(1_000);
    const { signal, abort } = give();
    const thrown = thrownBy(breaker.call(never, { signal }));
    await setImmediate();
    abort();
    expect(await thrown).toMatchObject({ name: "AbortError" });
    await gate.flush();
    expect(await breaker.status()).toMatchObject({ state: "half-open", probes: 0 });
  });

  const slowRate = { slowRate: { percent: 100, slowerThanMs: 50 }, minimumCalls: 1 };

  it.each([
    [49, 0],
    [50, 1],
  ])("after %i ms is slow %i times", async (ms, slow) => {
    const { gate, clock, breaker } = open({ trip: slowRate });
    const { signal, abort } = give();
    const thrown = thrownBy(breaker.call(never, { signal }));
    await setImmediate();
    clock.advanceMs(ms);
    abort();
    await thrown;
    await gate.flush();
    expect(await breaker.status()).toMatchObject({ slow, failed: 0, state: slow === 1 ? "open" : "closed" });
  });

  it("is slow as a permit, too", async () => {
    const { clock, breaker } = open({ trip: slowRate });
    {
      await using _permit = await breaker.permit();
      clock.advanceMs(50);
    }
    expect(await breaker.status()).toMatchObject({ slow: 1 });
  });
});

describe("a limiter's permit", () => {
  it("has a signal that is aborted when its time is over, and is still held", async () => {
    const clock = new ManualClock();
    const limiter = new Tidegate({ clock }).rateLimiter({ name: "l", limits: [{ limit: 1, window: "day" }] });
    const controller = new AbortController();
    const permit = await limiter.permit("me", { timeoutMs: 100, signal: controller.signal });
    expect(permit.signal?.aborted).toBe(false);
    clock.advanceMs(100);
    expect(permit.signal?.reason).toSatisfy(isCallTimeoutError);
    expect((await limiter.peek("me")).count).toBe(1);
    await permit.refund();
    {
      await using early = await limiter.permit("me", { timeoutMs: 100 });
      expect(early.signal?.aborted).toBe(false);
    }
    expect(clock.sleepers).toBe(0);
    expect((await limiter.permit("me", { signal: controller.signal })).signal).toBe(controller.signal);
    expect((await limiter.permit("you")).signal).toBeUndefined();
  });
});

describe("a permit", () => {
  it("has failed when its time is over, and has no other outcome then", async () => {
    const { gate, clock, breaker } = open();
    const permit = await breaker.permit({ timeoutMs: 100 });
    expect(permit.signal?.aborted).toBe(false);
    clock.advanceMs(100);
    expect(permit.signal?.reason).toSatisfy(isCallTimeoutError);
    await gate.flush();
    expect(await breaker.status()).toMatchObject({ consecutive: 1 });
    expect(await permit.succeeded()).toBeUndefined();
  });

  it("has the outcome that it is given in time", async () => {
    const { clock, breaker } = open();
    const permit = await breaker.permit({ timeoutMs: 100 });
    expect(await permit.succeeded()).toMatchObject({ effect: "counted-success" });
    expect(clock.sleepers).toBe(0);
    expect(permit.signal?.aborted).toBe(false);
    const plain = await breaker.permit();
    expect(plain.signal).toBeUndefined();
    await plain.cancelled();
  });
});

describe("a permit whose caller's signal is aborted", () => {
  it.each([
    [new DOMException("late", "TimeoutError"), 1],
    [new Error("enough"), 0],
  ])("by %s has failed %i times", async (reason, consecutive) => {
    const { gate, breaker } = open();
    const controller = new AbortController();
    {
      await using permit = await breaker.permit({ signal: controller.signal });
      expect(permit.signal).toBe(controller.signal);
      controller.abort(reason);
    }
    await gate.flush();
    expect(await breaker.status()).toMatchObject({ consecutive });
  });
});

describe("mistakes count for nothing", () => {
  it.each([[undefined], [null], [5], [Promise.resolve(5)]])("an operation that is %s", async operation => {
    const { breaker, gate } = open({ trip: { failureRatePercent: 100 } });
    expect(await thrownBy(breaker.call(operation as never))).toSatisfy(isConfigError);
    expect(await thrownBy(gate.withCircuitBreaker(CIRCUIT, {}, operation as never))).toSatisfy(isConfigError);
    expect(() => breaker.wrap(operation as never)).toThrow("must be a function");
    const limiter = gate.rateLimiter({ name: "l", limits: [{ limit: 1, window: "day" }] });
    expect(() => limiter.wrap(operation as never, { key: "me" })).toThrow("must be a function");
    const now = new blocking.Tidegate().circuitBreaker({ name: "c", trip: { failureRatePercent: 100 } });
    expect(() => now.call(operation as never)).toThrow("must be a function");
    expect(now.status()).toMatchObject({ calls: 0 });
    expect(await breaker.status()).toMatchObject({ consecutive: 0, calls: 0 });
  });

  it.each([[{ timeoutms: 5 }], [{ signal: 5 }], [{ failureIf: true }], [{ failureOf: {} }], [{ countRefusals: 1 }]])(
    "options that are %j",
    async options => {
      const { breaker } = open({ trip: { failureRatePercent: 100 } });
      expect(await thrownBy(breaker.call(() => 1, options as never))).toSatisfy(isConfigError);
      const call = async () => breaker.wrap(() => 1, options as never)();
      expect(await thrownBy(call())).toSatisfy(isConfigError);
      expect(await breaker.status()).toMatchObject({ calls: 0 });
    },
  );

  it("options that would do nothing", async () => {
    const { breaker } = open();
    const now = new blocking.Tidegate().circuitBreaker({ name: "c", trip: { consecutive: 1 } });
    const options = { timeoutMs: 5 } as object;
    expect(() => now.call(() => 1, options)).toThrow(
      "left out: the options here are failureOf, failureIf, countRefusals",
    );
    const permit = { failureIf: () => true } as object;
    await expect(breaker.permit(permit)).rejects.toThrow("left out: the options here are signal, timeoutMs");
  });
});
