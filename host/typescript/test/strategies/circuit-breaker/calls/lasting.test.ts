/** Work that happens after the operation has returned. */

import { finished } from "node:stream/promises";
import { setImmediate } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { blocking, isCallTimeoutError, isMisuseError, ManualClock } from "../../../../src/index.js";
import { broken, counting, lines, nodeStream, rows, sources, told, webStream } from "./sources.js";
import { open, thrownBy } from "./support.js";

describe.each(sources)("%s", (_, source) => {
  it("is a success when it has ended, and not before", async () => {
    const { breaker, gate } = counting();
    const seen: unknown[] = [];
    for await (const row of await breaker.call(() => source(3))) {
      seen.push(typeof row === "number" ? row : Number((row as Uint8Array)[0]));
      expect(await told(breaker, () => gate.flush())).toMatchObject({ calls: 0 });
    }
    expect(seen).toEqual([1, 2, 3]);
    expect(await told(breaker, () => gate.flush())).toMatchObject({ calls: 1, failed: 0 });
  });

  it("is a failure when it breaks", async () => {
    const { breaker, gate } = counting();
    const read = async () => {
      for await (const _row of await breaker.call(() => source(2, "breaks")));
    };
    await expect(read()).rejects.toThrow("the source broke");
    expect(await told(breaker, () => gate.flush())).toMatchObject({ calls: 1, failed: 1 });
  });

  it("is a failure, and ends, when its time is over", async () => {
    const { clock, breaker, gate } = counting();
    const work = await breaker.call(() => source(1, "hangs"), { timeoutMs: 100 });
    const read = async () => {
      for await (const _row of work);
    };
    const thrown = thrownBy(read());
    await setImmediate();
    clock.advanceMs(100);
    expect(await thrown).toSatisfy(isCallTimeoutError);
    expect(await told(breaker, () => gate.flush())).toMatchObject({ calls: 1, failed: 1 });
  });

  it("is given up with its caller's signal, and is no failure then", async () => {
    const { breaker, gate } = counting();
    const controller = new AbortController();
    const work = await breaker.call(() => source(1, "hangs"), { signal: controller.signal });
    const read = async () => {
      for await (const _row of work);
    };
    const thrown = thrownBy(read());
    await setImmediate();
    controller.abort(new Error("enough"));
    expect(await thrown).toMatchObject({ message: "enough" });
    expect(await told(breaker, () => gate.flush())).toMatchObject({ calls: 0 });
  });

  it("holds a probe's place until it ends", async () => {
    const { clock, breaker, gate } = open({ trip: { consecutive: 1 } });
    await thrownBy(breaker.call(() => Promise.reject(broken())));
    clock.advanceMs(1_000);
    const work = await breaker.call(() => source(2));
    expect(await breaker.admit()).toMatchObject({ effect: "refused-probes" });
    for await (const _row of work);
    expect(await told(breaker, () => gate.flush())).toMatchObject({ state: "closed" });
  });
});

describe("the time between steps", () => {
  const slow = { trip: { slowRate: { percent: 100, slowerThanMs: 100 }, minimumCalls: 100, sample: { calls: 100 } } };

  it.each<[string, (step: () => void) => unknown]>([
    [
      "an async generator",
      async function* (step) {
        for (let row = 0; row < 3; row++) yield step();
      },
    ],
    [
      "a generator",
      function* (step) {
        for (let row = 0; row < 3; row++) yield step();
      },
    ],
    [
      "a web stream",
      step => {
        let rows = 0;
        const pull = (controller: ReadableStreamDefaultController) => {
          step();
          if (rows++ < 3) controller.enqueue(rows);
          else controller.close();
        };
        return new ReadableStream({ pull }, { highWaterMark: 0 });
      },
    ],
  ])("of %s is its reader's, and that within them the call's", async (_, source) => {
    const { clock, breaker, gate } = open(slow);
    const read = async (stepMs: number) => {
      const work = await breaker.call(() => source(() => clock.advanceMs(stepMs)) as AsyncIterable<unknown>);
      for await (const _row of work) clock.advanceMs(1_000);
      return told(breaker, () => gate.flush());
    };
    expect(await read(20)).toMatchObject({ calls: 1, slow: 0 });
    expect(await read(50)).toMatchObject({ calls: 2, slow: 1 });
  });
});

describe("what is dropped unread", () => {
  it.each<[string, () => unknown]>([
    ["an async generator", () => rows(3)],
    ["a generator", () => (function* () {})()],
    ["a web stream", () => webStream(3)],
    ["a stream of Node's", () => nodeStream(3)],
  ])("as %s holds no place once it is collected", async (_, source) => {
    const { clock, breaker, gate } = open({ trip: { consecutive: 1 } });
    await thrownBy(breaker.call(() => Promise.reject(broken())));
    clock.advanceMs(1_000);
    await (async () => void (await breaker.call(source)))();
    expect(await breaker.status()).toMatchObject({ state: "half-open", probes: 1 });
    await collected(async () => (await breaker.status()).probes === 0);
    await gate.flush();
    expect(await breaker.call(() => "back")).toBe("back");
  });

  /** Collects garbage until it has been seen that something is gone. */
  async function collected(isGone: () => Promise<boolean>): Promise<void> {
    const { gc } = globalThis as { gc?: () => void };
    while (!(await isGone())) {
      gc?.();
      await setImmediate();
    }
  }
});

describe("an async generator", () => {
  it("is given values and errors as before, and gives back what it returns", async () => {
    const { breaker } = open();
    async function* echo(): AsyncGenerator<unknown, string, unknown> {
      let got: unknown = "first";
      for (;;) {
        try {
          got = yield got;
        } catch (error) {
          got = (error as Error).message;
        }
        if (got === "stop") return "stopped";
      }
    }
    const work = await breaker.call(() => echo());
    expect(await work.next()).toEqual({ done: false, value: "first" });
    expect(await work.next(5)).toEqual({ done: false, value: 5 });
    expect(await work.throw(new Error("no"))).toEqual({ done: false, value: "no" });
    expect(await work.next("stop")).toEqual({ done: true, value: "stopped" });
    expect(await work.next()).toEqual({ done: true, value: undefined });
  });

  it("that is never begun was not made, and runs what it has to at its end", async () => {
    const { breaker, gate } = counting();
    const work = await breaker.call(() => rows(3));
    expect(await work.return("x")).toEqual({ done: true, value: "x" });
    expect(await told(breaker, () => gate.flush())).toMatchObject({ calls: 0 });
    let isCleaned = false;
    async function* cleaning() {
      try {
        yield 1;
        yield 2;
      } finally {
        isCleaned = true;
      }
    }
    for await (const _row of await breaker.call(() => cleaning())) break;
    expect(isCleaned).toBe(true);
  });
});

describe("a generator", () => {
  it("is guarded to its end", async () => {
    const { breaker, gate } = counting();
    const wrapped = breaker.wrap(lines);
    expect([...(await wrapped(3))]).toEqual([1, 2, 3]);
    expect(await told(breaker, () => gate.flush())).toMatchObject({ calls: 1, failed: 0 });
    const breaking = await wrapped(1, "breaks");
    expect(() => [...breaking]).toThrow("the source broke");
    expect(await told(breaker, () => gate.flush())).toMatchObject({ calls: 2, failed: 1 });
  });

  it("is guarded to its end without promises", () => {
    const clock = new ManualClock();
    const trip = { failureRatePercent: 100, sample: { calls: 100 }, minimumCalls: 100 };
    const breaker = new blocking.Tidegate({ clock }).circuitBreaker({ name: "c", trip });
    const work = breaker.call(() => lines(2));
    expect(breaker.status()).toMatchObject({ calls: 0 });
    expect([...work]).toEqual([1, 2]);
    expect(breaker.status()).toMatchObject({ calls: 1, failed: 0 });
    expect(() => [...breaker.call(() => lines(1, "breaks"))]).toThrow("the source broke");
    expect(breaker.status()).toMatchObject({ calls: 2, failed: 1 });
  });
});

/** What acts as a promise and is none. */
function thenable(): object {
  // biome-ignore lint/suspicious/noThenProperty: that is what it is about.
  return { then: (done: () => void) => done() };
}

describe("a blocking circuit breaker", () => {
  const asynchronous: [string, () => unknown][] = [
    ["a promise", () => Promise.resolve(1)],
    ["a promise that rejects", () => Promise.reject(new Error("late"))],
    ["a thenable", () => thenable()],
    ["an async function", async () => 1],
    ["an async generator", () => rows(1)],
    ["an async generator function", async function* () {}],
    ["a web stream", () => webStream(1)],
    ["a stream of Node's", () => nodeStream(1)],
  ];

  it.each(asynchronous)("refuses %s, says what guards it, and counts nothing", async (_, operation) => {
    const trip = { failureRatePercent: 100, sample: { calls: 100 }, minimumCalls: 1 };
    const breaker = new blocking.Tidegate({ clock: new ManualClock() }).circuitBreaker({ name: "c", trip });
    const call = async () => breaker.call(operation);
    const error = await thrownBy(call());
    expect(error).toSatisfy(isMisuseError);
    expect((error as Error).message).toContain("use circuitBreaker of a Tidegate that is not blocking");
    expect(breaker.status()).toMatchObject({ calls: 0, state: "closed" });
  });

  it("does not begin what says that it is asynchronous", () => {
    const breaker = new blocking.Tidegate().circuitBreaker({ name: "c", trip: { consecutive: 1 } });
    let hasBegun = false;
    const operation = async () => {
      hasBegun = true;
    };
    expect(() => breaker.call(operation)).toThrow("cannot guard a promise");
    expect(hasBegun).toBe(false);
  });
});

describe("a reply with a body", () => {
  it("is done when it is there: its body is its reader's", async () => {
    const { breaker } = counting();
    const reply = await breaker.call(() => new Response(webStream(1, "hangs", "bytes")));
    expect(reply).toBeInstanceOf(Response);
    expect(await breaker.status()).toMatchObject({ calls: 1 });
    const message = Object.assign(nodeStream(1), { statusCode: 200 });
    expect(await breaker.call(() => message)).toBe(message);
    expect(await breaker.status()).toMatchObject({ calls: 2 });
  });
});

describe("a stream of Node's", () => {
  it("is the very one that the operation returned", async () => {
    const { breaker } = open();
    const stream = nodeStream(2);
    const guarded = await breaker.call(() => stream);
    expect(guarded).toBe(stream);
    guarded.resume();
    await finished(guarded);
  });
});

describe("a web stream that cannot be left in peace", () => {
  it("is told all the same, and its reader hears of it", async () => {
    const { clock, breaker, gate } = open({ trip: { consecutive: 1 } });
    await thrownBy(breaker.call(() => Promise.reject(broken())));
    clock.advanceMs(1_000);
    const stream = await breaker.call(() => new ReadableStream({ cancel: () => Promise.reject(broken()) }));
    await expect(stream.cancel("enough")).rejects.toThrow("the source broke");
    expect(await told(breaker, () => gate.flush())).toMatchObject({ state: "half-open", probes: 0 });
  });
});

describe("a web stream of bytes", () => {
  it("can be read into memory that its reader brings", async () => {
    const { breaker, gate } = counting();
    const stream = await breaker.call(() => webStream(2, "ends", "bytes"));
    const reader = stream.getReader({ mode: "byob" });
    expect((await reader.read(new Uint8Array(8))).value).toEqual(Uint8Array.of(1));
    expect((await reader.read(new Uint8Array(8))).value).toEqual(Uint8Array.of(2));
    expect((await reader.read(new Uint8Array(8))).done).toBe(true);
    expect(await told(breaker, () => gate.flush())).toMatchObject({ calls: 1, failed: 0 });
  });
});
