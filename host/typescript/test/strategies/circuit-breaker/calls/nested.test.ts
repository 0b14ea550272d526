/** Guarded calls within guarded calls of the same circuit. */

import { setTimeout } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { blocking, isCircuitOpenError, ManualClock, Memory, Tidegate } from "../../../../src/index.js";
import { CIRCUIT, open, thrownBy } from "./support.js";

/** A circuit that is half-open, with one place. */
async function halfOpen() {
  const all = open({ trip: { consecutive: 1 } });
  await thrownBy(all.breaker.call(() => Promise.reject(new Error("down"))));
  all.clock.advanceMs(1_000);
  return all;
}

describe("a call within a probe of the same circuit", () => {
  it("goes with the probe's permit, also after an await, and the circuit closes", async () => {
    const { breaker } = await halfOpen();
    const inner = breaker.wrap(async (n: number) => n + 1);
    const outer = breaker.wrap(async (n: number) => {
      const first = await inner(n);
      await setTimeout(1);
      return Promise.all([inner(first), breaker.call(() => breaker.call(() => 5))]);
    });
    expect(await outer(1)).toEqual([3, 5]);
    expect(await breaker.status()).toMatchObject({ state: "closed" });
  });

  it("fails with the probe, once", async () => {
    const { breaker } = await halfOpen();
    const error = new Error("still down");
    const outer = breaker.call(() => breaker.call(() => Promise.reject(error)));
    expect(await thrownBy(outer)).toBe(error);
    expect(await breaker.status()).toMatchObject({ state: "open", probes: 0 });
  });

  it("has a time limit and a signal of its own", async () => {
    const { clock, breaker } = await halfOpen();
    const outer = breaker.call(async () => {
      const inner = breaker.call(() => new Promise(() => undefined), { timeoutMs: 10 });
      const thrown = thrownBy(inner);
      clock.advanceMs(10);
      await thrown;
      return "without it";
    });
    expect(await outer).toBe("without it");
    expect(await breaker.status()).toMatchObject({ state: "closed" });
  });

  it("is one through a node of the same circuit, either way", async () => {
    for (const isNodeOuter of [true, false]) {
      const { gate, breaker } = await halfOpen();
      const node = <R>(work: () => Promise<R>) =>
        gate.withCircuitBreaker(CIRCUIT, {}, work).then(({ result }) => result);
      const call = <R>(work: () => Promise<R>) => breaker.call(work);
      const inner = async () => "in";
      const made = isNodeOuter ? node(() => call(inner)) : call(() => node(inner) as Promise<string>);
      expect(await made).toBe("in");
      expect(await breaker.status()).toMatchObject({ state: "closed" });
    }
  });

  it("tells through a node that it was made", async () => {
    const { gate, breaker } = await halfOpen();
    const inner = () => gate.withCircuitBreaker(CIRCUIT, {}, async () => "in");
    const { circuitResult } = await breaker.call(inner);
    expect(circuitResult).toMatchObject({ allowed: true, failedFast: false, circuitState: "half-open" });
  });

  it("goes with it from the steps of an async generator", async () => {
    const { breaker } = await halfOpen();
    async function* rows() {
      yield await breaker.call(async () => 1);
      yield await breaker.call(async () => 2);
    }
    const seen: number[] = [];
    for await (const row of await breaker.call(() => rows())) seen.push(row);
    expect(seen).toEqual([1, 2]);
    expect(await breaker.status()).toMatchObject({ state: "closed" });
  });

  it("goes with it without promises", async () => {
    const [clock, store] = [new ManualClock(), new Memory()];
    const config = { name: "c", trip: { consecutive: 1 }, openMs: 1_000 };
    const breaker = new blocking.Tidegate({ clock, store }).circuitBreaker(config);
    const fail = () => {
      throw new Error("down");
    };
    expect(() => breaker.call(fail)).toThrow("down");
    clock.advanceMs(1_000);
    expect(breaker.call(() => breaker.call(() => 5))).toBe(5);
    expect(breaker.status()).toMatchObject({ state: "closed" });
  });
});

/** Whether what comes after an `await` is known to be within at no cost to others. */
const isKnownLater = Number(process.versions.node.split(".")[0]) >= 24;

describe("a call within a call of a closed circuit", () => {
  const fail = () => Promise.reject(new Error("down"));

  it("is part of its outcome: they fail once", async () => {
    const { breaker, gate } = open({ trip: { consecutive: 100 } });
    const inner = breaker.wrap(fail);
    await thrownBy(breaker.wrap(async () => inner())());
    expect(await breaker.status()).toMatchObject({ consecutive: 1 });
    await thrownBy(gate.withCircuitBreaker(CIRCUIT, {}, () => inner()));
    expect((await gate.circuitBreakerNode(CIRCUIT).status()).result.failureCount).toBe(1);
  });

  it(`is known after an await: ${isKnownLater}`, async () => {
    const { breaker } = open({ trip: { consecutive: 100 } });
    const outer = breaker.call(async () => {
      await setTimeout(1);
      return breaker.call(fail);
    });
    await thrownBy(outer);
    expect(await breaker.status()).toMatchObject({ consecutive: isKnownLater ? 1 : 2 });
  });
});

describe("what is not within the probe", () => {
  it("is refused as before: another call, another key, and one that outlives the probe", async () => {
    const { breaker } = await halfOpen();
    let late: Promise<unknown> | undefined;
    let release = () => {};
    const isReleased = new Promise<void>(resolve => {
      release = resolve;
    });
    const probe = breaker.call(async () => {
      expect(await breaker.keyed("other").call(() => "another circuit")).toBe("another circuit");
      late = isReleased.then(() => breaker.admit());
      await isReleased;
    });
    await thrownBy(breaker.call(() => "from outside")).then(error => expect(error).toSatisfy(isCircuitOpenError));
    release();
    await probe;
    await late;
    expect(await breaker.status()).toMatchObject({ state: "closed" });
  });

  it("counts by itself once the probe has its outcome", async () => {
    const { breaker } = await halfOpen();
    let release = () => {};
    const isReleased = new Promise<void>(resolve => {
      release = resolve;
    });
    let late: Promise<unknown> | undefined;
    await breaker.call(async () => {
      late = isReleased.then(() => breaker.call(() => Promise.reject(new Error("later"))));
      late.catch(() => undefined);
    });
    release();
    await expect(late).rejects.toThrow("later");
    expect(await breaker.status()).toMatchObject({ state: "open" });
  });

  it("is another gate's circuit of the same name", async () => {
    const { breaker } = await halfOpen();
    const other = new Tidegate().circuitBreaker({ name: "c", trip: { consecutive: 1 } });
    await breaker.call(() => thrownBy(other.call(() => Promise.reject(new Error("x")))));
    expect(await other.status()).toMatchObject({ state: "open" });
    expect(await breaker.status()).toMatchObject({ state: "closed" });
  });
});
