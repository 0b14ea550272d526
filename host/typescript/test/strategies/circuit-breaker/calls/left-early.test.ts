/**
 * Generators and streams whose reader stops early: that is an abort of the caller's, whatever they
 * had given.
 */

import { once } from "node:events";
import type { Readable } from "node:stream";
import { setImmediate } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import type { Core } from "../../../../src/core.js";
import { blocking, ManualClock, Tidegate } from "../../../../src/index.js";
import { GuardedCall } from "../../../../src/strategies/circuit-breaker/guarded.js";
import { broken, counting, lines, nodeStream, rows, type Source, sources, told, webStream } from "./sources.js";
import { CIRCUIT, open, thrownBy } from "./support.js";

const all: [string, Source][] = [...sources, ["a generator", lines as unknown as Source]];

const slow = {
  trip: { slowRate: { percent: 100, slowerThanMs: 100 }, minimumCalls: 100, sample: { calls: 100 } },
};

/** A circuit that takes one probe. */
async function halfOpen() {
  const { clock, gate, breaker } = open({ trip: { consecutive: 1 } });
  await thrownBy(breaker.call(() => Promise.reject(broken())));
  clock.advanceMs(1_000);
  return { clock, gate, breaker };
}

describe.each(all)("%s that is left early", (_, source) => {
  it("counts for nothing", async () => {
    const { breaker, gate } = counting();
    for await (const _row of await breaker.call(() => source(5))) break;
    expect(await told(breaker, () => gate.flush())).toMatchObject({ calls: 0, failed: 0, slow: 0 });
  });

  it("is no success that ends a row of failures, and no failure", async () => {
    const { breaker, gate } = open({ trip: { consecutive: 2 } });
    await thrownBy(breaker.call(() => Promise.reject(broken())));
    for await (const _row of await breaker.call(() => source(5))) break;
    expect(await told(breaker, () => gate.flush())).toMatchObject({ state: "closed" });
    await thrownBy(breaker.call(() => Promise.reject(broken())));
    expect(await breaker.status()).toMatchObject({ state: "open" });
  });

  it("leaves a half-open circuit half-open, and its place free", async () => {
    const { breaker, gate } = await halfOpen();
    for await (const _row of await breaker.call(() => source(5))) {
      expect(await breaker.status()).toMatchObject({ state: "half-open", probes: 1 });
      break;
    }
    expect(await told(breaker, () => gate.flush())).toMatchObject({ state: "half-open", probes: 0 });
    expect(await breaker.call(() => "back")).toBe("back");
    expect(await told(breaker, () => gate.flush())).toMatchObject({ state: "closed" });
  });
});

describe("what is left early after the slow-call time", () => {
  const stepping: [string, (step: () => void) => unknown][] = [
    [
      "an async generator",
      async function* (step) {
        for (;;) yield step();
      },
    ],
    [
      "a generator",
      function* (step) {
        for (;;) yield step();
      },
    ],
    [
      "a web stream",
      step => {
        const pull = (controller: ReadableStreamDefaultController) => {
          step();
          controller.enqueue(1);
        };
        return new ReadableStream({ pull }, { highWaterMark: 0 });
      },
    ],
  ];

  it.each(stepping)("counts as slow, and sooner for nothing, as %s", async (_, source) => {
    const { clock, breaker, gate } = open(slow);
    const read = async (stepMs: number) => {
      for await (const _row of (await breaker.call(() =>
        source(() => clock.advanceMs(stepMs)),
      )) as AsyncIterable<unknown>) {
        // That is the reader's time.
        clock.advanceMs(1_000);
        break;
      }
      return told(breaker, () => gate.flush());
    };
    expect(await read(99)).toMatchObject({ calls: 0, slow: 0 });
    expect(await read(100)).toMatchObject({ slow: 1, failed: 0 });
  });

  it("counts as slow by all its time, as a stream of Node's", async () => {
    const { clock, breaker, gate } = open(slow);
    const read = async (ms: number) => {
      const stream = await breaker.call(() => nodeStream(5));
      clock.advanceMs(ms);
      stream.destroy();
      return told(breaker, () => gate.flush());
    };
    expect(await read(99)).toMatchObject({ calls: 0, slow: 0 });
    expect(await read(100)).toMatchObject({ slow: 1, failed: 0 });
  });

  it("does not count the time in which it cleans up", async () => {
    const { clock, breaker, gate } = open(slow);
    async function* cleaning() {
      try {
        yield 1;
      } finally {
        clock.advanceMs(1_000);
      }
    }
    function* cleaningNow() {
      try {
        yield 1;
      } finally {
        clock.advanceMs(1_000);
      }
    }
    for await (const _row of await breaker.call(() => cleaning())) break;
    for (const _row of await breaker.call(() => cleaningNow())) break;
    const cancel = () => clock.advanceMs(1_000);
    await (await breaker.call(() => new ReadableStream({ cancel }))).cancel();
    expect(await told(breaker, () => gate.flush())).toMatchObject({ calls: 0, slow: 0 });
  });
});

describe("a web stream", () => {
  it.each([undefined, "bytes"] as const)("that is left while a read waits was not read to its end (%s)", async type => {
    const { breaker, gate } = await halfOpen();
    const reader = (await breaker.call(() => webStream(1, "hangs", type))).getReader();
    await reader.read();
    const waiting = reader.read();
    await setImmediate();
    await reader.cancel();
    expect(await waiting).toMatchObject({ done: true });
    expect(await told(breaker, () => gate.flush())).toMatchObject({ state: "half-open", probes: 0 });
  });

  it("has its place free though its source never ends what it is told to cancel", async () => {
    const { breaker } = await halfOpen();
    const cancel = () => new Promise<never>(() => undefined);
    const stream = await breaker.call(() => new ReadableStream({ cancel }));
    void stream.cancel();
    await setImmediate();
    expect(await breaker.status()).toMatchObject({ state: "half-open", probes: 0 });
  });
});

describe("a stream of Node's", () => {
  async function destroyed(by: (stream: Readable) => unknown) {
    const { breaker, gate } = counting();
    const stream = await breaker.call(() => nodeStream(5));
    stream.on("error", () => undefined);
    await once(stream, "readable");
    stream.read();
    by(stream);
    return told(breaker, () => gate.flush());
  }

  it("that is destroyed without an error, or by an abort, counts for nothing, and else as failed", async () => {
    expect(await destroyed(stream => stream.destroy())).toMatchObject({ calls: 0 });
    const abort = Object.assign(new Error("enough"), { name: "AbortError" });
    expect(await destroyed(stream => stream.destroy(abort))).toMatchObject({ calls: 0 });
    expect(await destroyed(stream => stream.destroy(broken()))).toMatchObject({ calls: 1, failed: 1 });
  });
});

describe("an error", () => {
  async function* cleaning() {
    try {
      yield 1;
    } finally {
      // biome-ignore lint/correctness/noUnsafeFinally: that is what it is about.
      throw broken();
    }
  }

  function* cleaningNow() {
    try {
      yield 1;
    } finally {
      // biome-ignore lint/correctness/noUnsafeFinally: that is what it is about.
      throw broken();
    }
  }

  it("that is thrown into a generator, or by one that cleans up, is a failure", async () => {
    const { breaker, gate } = counting();
    const work = await breaker.call(() => rows(5));
    await work.next();
    await expect(work.throw(broken())).rejects.toThrow("the source broke");
    const now = await breaker.call(() => lines(5));
    now.next();
    expect(() => now.throw(broken())).toThrow("the source broke");
    expect(await told(breaker, () => gate.flush())).toMatchObject({ calls: 2, failed: 2 });
    const leave = async () => {
      for await (const _row of await breaker.call(() => cleaning())) break;
    };
    await expect(leave()).rejects.toThrow("the source broke");
    const other = await breaker.call(() => cleaningNow());
    other.next();
    expect(() => other.return()).toThrow("the source broke");
    expect(await told(breaker, () => gate.flush())).toMatchObject({ calls: 4, failed: 4 });
  });
});

describe("a generator that is left early", () => {
  it("counts for nothing without promises too, but that it was slow", () => {
    const clock = new ManualClock();
    const breaker = new blocking.Tidegate({ clock }).circuitBreaker({ name: "c", ...slow });
    function* taking(ms: number) {
      for (;;) yield clock.advanceMs(ms);
    }
    const read = (ms: number) => {
      for (const _row of breaker.call(() => taking(ms))) break;
      return breaker.status();
    };
    expect(read(99)).toMatchObject({ calls: 0, slow: 0, failed: 0 });
    expect(read(100)).toMatchObject({ slow: 1, failed: 0 });
  });

  it("is given up as a call of a circuit node", async () => {
    const clock = new ManualClock();
    const gate = new Tidegate({ clock });
    const node = gate.circuitBreakerNode({ ...CIRCUIT, failureThreshold: 1 });
    await thrownBy(node.call(() => Promise.reject(broken())));
    clock.advanceMs(1_000);
    const { result } = await node.call(() => rows(5));
    for await (const _row of result as AsyncIterable<unknown>) break;
    expect((await node.status()).result).toMatchObject({ allowed: true, circuitState: "half-open" });
    await node.call(() => "back");
    expect((await node.status()).result).toMatchObject({ circuitState: "closed" });
  });

  it("has its place free when whoever closes it goes on, however far the store is", async () => {
    const heard: string[] = [];
    const hears = (what: string) => async () => {
      await setImmediate();
      heard.push(what);
    };
    const admitted = {
      isProbe: true,
      succeeded: hears("succeeded"),
      failed: hears("failed"),
      cancelled: hears("cancelled"),
    };
    const core = { place: {}, background: () => undefined } as unknown as Core;
    const call = () => new GuardedCall<AsyncIterable<unknown>>({ core, tag: "c" }, admitted, {}, false);
    for await (const _row of await call().made(() => rows(5))) break;
    expect(heard).toEqual(["cancelled"]);
    for await (const _row of await call().made(() => webStream(5) as unknown as AsyncIterable<unknown>)) break;
    expect(heard).toEqual(["cancelled", "cancelled"]);
  });
});

describe("a generator that is left after its caller's signal was aborted", () => {
  it("is cleaned up, and counts for nothing", async () => {
    const { breaker, gate } = counting();
    const controller = new AbortController();
    let isClean = false;
    const work = function* () {
      try {
        for (;;) yield 1;
      } finally {
        isClean = true;
      }
    };
    for (const _one of (await breaker.call(work, { signal: controller.signal })) as Iterable<number>) {
      controller.abort();
      break;
    }
    expect(isClean).toBe(true);
    expect(await told(breaker, () => gate.flush())).toMatchObject({ calls: 0, failed: 0, slow: 0 });
  });
});
