/**
 * A hiccup is not an outage: what the watch counts, what is known of a store at first, and who
 * waits for it.
 */

import { describe, expect, test } from "vitest";
import { isOverloadedError, isStoreError, type StoreError, Tidegate } from "../../src/index.js";
import { away } from "../../src/store/errors.js";
import { Fleet, type Host, settled, takeAway } from "./fleet.js";

const PLENTY = { name: "api", limits: [{ limit: 1_000, window: "day" }] } as const;

function asks(host: Host) {
  const limiter = host.gate.rateLimiter(PLENTY);
  return (key: number | string) =>
    limiter.tryAcquire(`${key}`).then(
      ({ verdict }) => verdict,
      (error: StoreError) => error.reason,
    );
}

/** Many calls on different keys, all on their way. */
async function sent(host: Host, count = 100): Promise<Promise<string>[]> {
  const ask = asks(host);
  const calls = Array.from({ length: count }, (_, key) => ask(key));
  await settled();
  return calls;
}

describe("the watch", () => {
  test("counts all that was on its way when the store failed as one failure", async () => {
    const fleet = new Fleet();
    const host = fleet.host({}, 50);
    await asks(host)("first");
    host.link.hold();
    const calls = await sent(host);
    await fleet.pass(50);
    expect(new Set(await Promise.all(calls))).toEqual(new Set(["timed-out"]));
    expect(host.gate.storeState()).toBe("available");
    expect(host.changes).toEqual([]);
  });

  test("counts a failure of what was sent before another was known with it, however late it comes", async () => {
    const fleet = new Fleet();
    const host = fleet.host({}, 50);
    const ask = asks(host);
    await ask("first");
    host.link.hold();
    const calls: Promise<string>[] = [];
    for (let part = 0; part < 5; part++) {
      calls.push(ask(part));
      await settled();
      await fleet.pass(9);
    }
    await fleet.pass(50);
    expect(new Set(await Promise.all(calls))).toEqual(new Set(["timed-out"]));
    expect(host.gate.storeState()).toBe("available");
  });

  test("takes the store to be away after three rounds in a row", async () => {
    const fleet = new Fleet();
    const host = fleet.host({}, 50);
    await asks(host)("first");
    host.link.hold();
    for (let round = 1; round <= 3; round++) {
      expect(host.gate.storeState()).toBe("available");
      const calls = await sent(host, 10);
      await fleet.pass(50);
      expect(new Set(await Promise.all(calls))).toEqual(new Set(["timed-out"]));
    }
    expect(host.gate.storeState()).toBe("away");
    expect(host.changes).toMatchObject([{ before: "available", after: "away" }]);
  });

  test("begins to count anew with a success between two rounds", async () => {
    const fleet = new Fleet();
    const host = fleet.host({}, 50);
    for (let round = 0; round < 4; round++) {
      const release = host.link.hold();
      const calls = await sent(host, 10);
      await fleet.pass(50);
      await Promise.all(calls);
      release();
      expect(await asks(host)("between")).toBe("allowed");
    }
    expect(host.changes).toEqual([]);
  });

  test("is told at once that attempts to connect were refused", async () => {
    const fleet = new Fleet();
    const host = fleet.host({}, 50);
    await asks(host)("first");
    host.link.hold();
    const calls = await sent(host, 1);
    host.link.refuse(away("3 attempts to connect were refused"));
    host.link.refuse(away("4 attempts to connect were refused"));
    expect(host.gate.storeState()).toBe("away");
    expect(await asks(host)("another")).toBe("away");
    await fleet.pass(50);
    expect(await Promise.all(calls)).toEqual(["timed-out"]);
    expect(host.changes).toMatchObject([{ after: "away", cause: expect.stringContaining("refused") }]);
  });

  test("takes no refused attempts for an outage where it is off", async () => {
    const host = new Fleet().host({ storeWatch: false });
    host.link.refuse(away("3 attempts to connect were refused"));
    expect(await asks(host)("me")).toBe("allowed");
  });
});

describe("before its first answer a store", () => {
  test("is unknown, and that it answers is no news", async () => {
    const host = new Fleet().host();
    expect(host.gate.storeState()).toBe("unknown");
    expect(await asks(host)("me")).toBe("allowed");
    expect(host.gate.storeState()).toBe("available");
    expect(host.changes).toEqual([]);
  });

  test("may be away", async () => {
    const host = new Fleet().host();
    await takeAway(host);
    expect(host.changes).toMatchObject([{ before: "unknown", after: "away" }]);
  });

  test("is asked with a commit's time as well", async () => {
    const host = new Fleet().host();
    await host.gate.rateLimiter(PLENTY).peek("me");
    expect(host.gate.storeState()).toBe("available");
  });

  test("a memory is available", async () => {
    const gate = new Tidegate();
    expect(gate.storeState()).toBe("available");
    await gate.ready();
  });
});

describe("whoever waits until the store is ready", () => {
  test("goes on when it answers", async () => {
    const fleet = new Fleet();
    const { gate, link } = fleet.host();
    link.isCut = true;
    let isReady = false;
    const ready = gate.ready().then(() => {
      isReady = true;
    });
    for (let pause = 0; pause < 5; pause++) await fleet.pass(50);
    expect([isReady, gate.storeState()]).toEqual([false, "unknown"]);
    link.isCut = false;
    await fleet.pass(50);
    await ready;
    expect(gate.storeState()).toBe("available");
    expect(fleet.clock.sleepers).toBe(0);
  });

  test("is told what failed when the time is over", async () => {
    const fleet = new Fleet();
    const { gate, link } = fleet.host({}, 50);
    link.isCut = true;
    const ready = gate.ready({ timeoutMs: 200 });
    const failure = expect(ready).rejects.toMatchObject({ code: "store", reason: "away", message: /link is cut/ });
    for (let pause = 0; pause < 5; pause++) await fleet.pass(50);
    await failure;
    expect(gate.storeState()).toBe("unknown");
  });

  test("waits no longer than said for one that is silent", async () => {
    const fleet = new Fleet();
    const { gate, link } = fleet.host();
    link.hold();
    const failure = expect(gate.ready({ timeoutMs: 200 })).rejects.toSatisfy(isStoreError);
    await settled();
    await fleet.pass(200);
    await fleet.pass(50);
    await failure;
  });

  test("need not wait for the next probe", async () => {
    const fleet = new Fleet();
    const host = fleet.host();
    await takeAway(host);
    host.link.isCut = false;
    await host.gate.ready();
    expect(await asks(host)("me")).toBe("allowed");
    await fleet.pass(500);
    expect(host.changes.map(({ after }) => after)).toEqual(["away", "available"]);
  });

  test("says for how long in whole milliseconds", async () => {
    await expect(new Tidegate().ready({ timeoutMs: 1.5 })).rejects.toMatchObject({ code: "config" });
  });
});

describe("the line of a process", () => {
  test("is as long as its setting, and says so", async () => {
    const fleet = new Fleet();
    const host = fleet.host({ maxWaiting: 5 });
    const limiter = host.gate.rateLimiter({ ...PLENTY, whenAway: "open" });
    await limiter.peek("me");
    const release = host.link.hold();
    const first = limiter.tryAcquire("me");
    await settled();
    const others = Array.from({ length: 5 }, () => limiter.tryAcquire("me"));
    const tooMuch = await limiter.tryAcquire("me").catch((error: unknown) => error);
    expect(isOverloadedError(tooMuch)).toBe(true);
    expect(tooMuch).toMatchObject({
      name: "OverloadedError",
      waiting: 5,
      maxWaiting: 5,
      message: "the line is full: 5 calls of this process wait for the store, and at most 5 may",
    });
    release();
    const decisions = await Promise.all([first, ...others]);
    expect(decisions.map(({ degraded }) => degraded)).toEqual(Array.from({ length: 6 }, () => false));
    expect((await limiter.tryAcquire("me")).verdict).toBe("allowed");
    expect(host.gate.stats()).toMatchObject({ degraded: 0, watchRefused: 0 });
  });

  test("has room again when callers leave it", async () => {
    const { gate, link } = new Fleet().host({ maxWaiting: 2 });
    const limiter = gate.rateLimiter(PLENTY);
    await limiter.peek("me");
    const release = link.hold();
    const first = limiter.tryAcquire("me");
    await settled();
    const controller = new AbortController();
    const leaving = Array.from({ length: 2 }, () => limiter.tryAcquire("me", { signal: controller.signal }));
    await expect(limiter.tryAcquire("me")).rejects.toSatisfy(isOverloadedError);
    controller.abort("enough");
    await Promise.allSettled(leaving);
    const staying = limiter.tryAcquire("me");
    release();
    expect((await first).count).toBe(1);
    expect((await staying).count).toBe(2);
  });

  test("sends no more at once than the store answers well in time, first come first served", async () => {
    const { gate, link } = new Fleet().host();
    const limiter = gate.rateLimiter(PLENTY);
    await limiter.peek("first");
    const release = link.hold();
    const before = link.commits.length;
    const ended: number[] = [];
    const calls = Array.from({ length: 5_000 }, async (_, key) => {
      await limiter.tryAcquire(`${key}`);
      ended.push(key);
    });
    await settled();
    expect(link.commits.length - before).toBe(256);
    release();
    await Promise.all(calls);
    expect(ended).toEqual(Array.from({ length: 5_000 }, (_, key) => key));
  });
});

test("any number of keys can be asked for in one call", async () => {
  const { gate } = new Fleet().host({ maxWaiting: 10_000 });
  const limiter = gate.rateLimiter(PLENTY);
  const asks = Array.from({ length: 25_000 }, (_, key) => ({ key: `${key % 20_000}` }));
  const ends = await limiter.tryAcquireMany(asks);
  expect(ends.filter(({ status }) => status === "fulfilled")).toHaveLength(25_000);
  expect(ends.at(-1)).toMatchObject({ value: { count: 2 } });
});
