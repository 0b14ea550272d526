/**
 * The ledger on the real protocol, with the memory store at the other end and faults in between.
 */

import { setImmediate } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { type Clock, ManualClock } from "../../src/clock.js";
import { EntityKey } from "../../src/key.js";
import { Ledger } from "../../src/ledger/ledger.js";
import type { Run } from "../../src/ledger/runs.js";
import { Memory } from "../../src/store/memory.js";
import { MemoryStore } from "../../src/store/memory-store.js";
import type { Commit, Store } from "../../src/store/store.js";
import type { Request } from "../../src/strategies/circuit-breaker/request.js";
import type { WitReport } from "../../src/strategies/circuit-breaker/wit.js";
import type { Decided } from "../../src/strategies/rate-limiter/request.js";
import { limiters } from "../../src/strategies/rate-limiter/strategy.js";
import { Policy } from "../../src/strategy.js";
import { acquire, breaker, decision, Host, limit, limiter, peek, refund, run, tryAcquire, World } from "./world.js";

const TEN = limiter([limit(10, "second")]);
const PLENTY = limiter([limit(1_000, "second")]);
const admit: Request = { kind: "admit" };
const succeeded = (report: WitReport): Request => ({ kind: "succeeded", permit: report.permit, elapsedMs: 0 });
const failed = (report: WitReport): Request => ({ kind: "failed", permit: report.permit, elapsedMs: 0, errors: [] });

describe("hosts on one store", () => {
  test("share a limit", async () => {
    const world = new World();
    const hosts = [1, 2, 3, 4].map(() => world.host());
    const calls = hosts.flatMap(host => Array.from({ length: 16 }, () => host.decide(TEN, tryAcquire())));
    const decisions = await Promise.all(calls);
    expect(decisions.filter(decision => decision.verdict === "allowed")).toHaveLength(10);
  });

  test("keep the promise with clocks thirty seconds apart", async () => {
    const world = new World();
    const hosts = [world.host({}, -30_000), world.host({}, 30_000)];
    const allowed: number[] = [];
    for (let round = 0; round < 40; round++) {
      for (const host of hosts) {
        if ((await host.decide(TEN, tryAcquire())).verdict === "allowed") allowed.push(world.clock.nowUs());
      }
      world.pass(37 + round);
    }
    for (const start of allowed) {
      expect(allowed.filter(at => at >= start && at < start + 1_000_000).length).toBeLessThanOrEqual(10);
    }
    expect(allowed.length).toBeGreaterThan(10);
  });

  test("find out in the same call what another has changed", async () => {
    const world = new World();
    const [here, there] = [world.host(), world.host()];
    const policy = breaker({ consecutive: 2 });
    const early = await there.report(policy, admit);
    for (let i = 0; i < 2; i++) await here.report(policy, failed(await here.report(policy, admit)));
    expect(await there.report(policy, admit)).toMatchObject({ effect: "refused-open", state: "open" });
    expect((await there.report(policy, succeeded(early))).effect).toBe("late");
    expect(there.ledger.stats().refused).toBe(1);
  });
});

describe("calls that meet on a key", () => {
  test("go out together, also those that come while others are on their way", async () => {
    const world = new World();
    const host = world.host();
    await host.decide(TEN, peek());
    const before = world.link.commits.length;
    const release = world.link.hold();
    const calls = Array.from({ length: 25 }, () => host.decide(TEN, tryAcquire()));
    await setImmediate();
    const late = Array.from({ length: 25 }, () => host.decide(TEN, tryAcquire()));
    await setImmediate();
    expect(world.link.commits.length - before).toBe(1);
    release();
    const decisions = await Promise.all([...calls, ...late]);
    expect(decisions.filter(decision => decision.verdict === "allowed")).toHaveLength(10);
    expect(world.link.commits.length - before).toBe(2);
  });

  test("go out together again when they were answered together and ask again", async () => {
    const world = new World();
    const host = world.host();
    const caller = async (depth: number) => {
      for (let i = 0; i < 10; i++) {
        await host.decide(PLENTY, tryAcquire());
        // Callers take their time to come again, but none waits for anything.
        for (let hop = 0; hop < depth; hop++) await undefined;
      }
    };
    await Promise.all(Array.from({ length: 20 }, (_, depth) => caller(depth)));
    expect(world.link.commits).toHaveLength(10);
  });

  test("go out in batches of bounded size, in their order", async () => {
    const world = new World();
    const host = world.host({ maxBatch: 8 });
    const policy = limiter([limit(1_000, "second")]);
    const decisions = await Promise.all(Array.from({ length: 20 }, () => host.decide(policy, tryAcquire())));
    expect(decisions.map(decision => decision.count)).toEqual(Array.from({ length: 20 }, (_, index) => index + 1));
    expect(world.link.commits).toHaveLength(3);
  });
});

describe("a clock", () => {
  test("that jumps costs a commit and no call", async () => {
    const world = new World();
    const host = world.host();
    await host.decide(TEN, tryAcquire());
    for (const jumpMs of [3_600_000, -7_200_000, 40]) {
      host.jump(jumpMs);
      expect((await host.decide(TEN, tryAcquire())).verdict).toBe("allowed");
    }
    expect(host.ledger.stats().untimely).toBeGreaterThanOrEqual(2);
  });

  test("that steps back does not let an entity's time run backwards", async () => {
    const world = new World();
    const host = world.host();
    await host.decide(TEN, tryAcquire());
    host.jump(-500);
    await host.decide(TEN, tryAcquire());
    const times = world.link.commits.map(commit => commit.atUs);
    expect(times).toEqual(times.slice().sort((a, b) => a - b));
  });

  test("of a node that differs from another's costs a commit now and then and not each time", async () => {
    const slow = new ManualClock();
    const fast = new ManualClock(slow.nowUs() + 5_000);
    const [slowStore, fastStore] = [slow, fast].map(clock => new MemoryStore(new Memory(), clock));
    const of = (commit: Commit) => (commit.entities[0]?.tag.endsWith("slow") ? slowStore : fastStore) as Store;
    const nodes: Store = {
      commit: commit => of(commit).commit(commit),
      timeUs: async () => fast.nowUs(),
      isAtomicOver: () => true,
    };
    const host = new Host(nodes, fast);
    const policy = limiter([limit(1_000, "second")]);
    for (let round = 0; round < 200; round++) {
      for (const key of ["slow", "fast"]) {
        expect((await host.decide(policy, tryAcquire(), key)).verdict).toBe("allowed");
      }
      slow.advanceMs(3);
      fast.advanceMs(3);
    }
    expect(host.ledger.stats().untimely).toBeGreaterThan(0);
    expect(host.ledger.stats().untimely).toBeLessThan(20);
  });
});

describe("an outcome that may settle later", () => {
  const policy = breaker({ failureRate: { percent: 50 } });

  test("waits for no commit and is recorded all the same", async () => {
    const world = new World();
    const host = world.host();
    for (let i = 0; i < 20; i++) {
      const report = await host.report(policy, admit);
      const release = world.link.hold();
      await host.record(policy, succeeded(report));
      release();
    }
    await host.ledger.flush();
    expect((await world.host().report(policy, { kind: "status" })).calls).toBe(20);
    expect(host.ledger.stats()).toMatchObject({ lost: 0, deferred: 20 });
  });

  test("goes out after the flush delay, without anyone asking", async () => {
    const world = new World();
    const host = world.host();
    const report = await host.report(policy, admit);
    const before = world.link.commits.length;
    await host.record(policy, succeeded(report));
    world.pass(19);
    await setImmediate();
    expect(world.link.commits.length - before).toBe(0);
    world.pass(1);
    await setImmediate();
    expect(world.link.commits.length - before).toBe(1);
    expect(host.clock.sleepers).toBe(0);
  });

  test("keeps no process alive while it is kept back", async () => {
    const world = new World();
    const waits: (boolean | undefined)[] = [];
    const clock: Clock = {
      nowUs: () => world.clock.nowUs(),
      after: (ms, wake, background) => {
        waits.push(background);
        return world.clock.after(ms, wake);
      },
    };
    const ledger = new Ledger({ run, store: world.link, clock });
    const entity = EntityKey.of("cb", "api", "c");
    for (let i = 0; i < 3; i++) {
      await ledger.record(entity, policy, succeeded(await ledger.call(entity, policy, admit)));
    }
    expect(waits).toEqual([true]);
    await ledger.flush();
  });

  test("is counted as lost where the store is away", async () => {
    const world = new World();
    const host = world.host();
    await host.record(policy, succeeded(await host.report(policy, admit)));
    world.link.failNext(1, "away");
    await host.ledger.flush();
    expect(host.ledger.stats().lost).toBe(1);
  });
});

describe("a caller that goes away", () => {
  test("while its call is on its way is given back what it was charged", async () => {
    const world = new World();
    const host = world.host();
    await host.decide(TEN, peek());
    const release = world.link.hold();
    const aborter = new AbortController();
    const call = host.decide(TEN, tryAcquire(7), "k", aborter.signal);
    await setImmediate();
    expect(world.link.commits).toHaveLength(2);
    aborter.abort(new Error("enough"));
    await expect(call).rejects.toThrow("enough");
    release();
    await host.ledger.flush();
    expect((await host.decide(TEN, peek())).count).toBe(0);
  });

  test("before its call sets out leaves the line", async () => {
    const world = new World();
    const host = world.host();
    await host.decide(TEN, peek());
    const release = world.link.hold();
    const first = host.decide(TEN, tryAcquire());
    await setImmediate();
    const aborter = new AbortController();
    const call = host.decide(TEN, tryAcquire(7), "k", aborter.signal);
    aborter.abort();
    await expect(call).rejects.toMatchObject({ name: "AbortError" });
    release();
    await first;
    await host.ledger.flush();
    expect(world.link.commits).toHaveLength(2);
    expect((await host.decide(TEN, peek())).count).toBe(1);
  });

  test("before it has asked does not ask", async () => {
    const world = new World();
    const signal = AbortSignal.abort(new Error("gone"));
    await expect(world.host().decide(TEN, tryAcquire(), "k", signal)).rejects.toThrow("gone");
    expect(world.link.commits).toHaveLength(0);
  });

  test("leaves the queue of all hosts", async () => {
    const world = new World();
    const host = world.host();
    const queue = limiter([limit(10, "second")], {
      tag: "queue",
      val: { maxSize: 5, timeoutMs: 30_000, graceMs: 1_000 },
    });
    await host.decide(queue, tryAcquire(10));
    const release = world.link.hold();
    const aborter = new AbortController();
    const waiter = host.decide(queue, acquire(), "k", aborter.signal);
    await setImmediate();
    aborter.abort();
    await expect(waiter).rejects.toMatchObject({ name: "AbortError" });
    release();
    await host.ledger.flush();
    expect((await world.host().decide(queue, peek())).waiting).toBe(0);
  });

  test("lets go of the signal when its call ends", async () => {
    const host = new World().host();
    const { signal } = new AbortController();
    let listeners = 0;
    const counted = {
      aborted: false,
      reason: undefined,
      addEventListener: (type: "abort", listener: () => void) => {
        listeners++;
        signal.addEventListener(type, listener);
      },
      removeEventListener: (type: "abort", listener: () => void) => {
        listeners--;
        signal.removeEventListener(type, listener);
      },
    };
    await host.decide(TEN, tryAcquire(), "k", counted);
    expect(listeners).toBe(0);
  });
});

test("a place that is given up can be taken by another", async () => {
  const host = new World().host();
  const policy = limiter([limit(10, "second")], { tag: "delay", val: { maxWaitMs: 30_000 } });
  await host.decide(policy, tryAcquire(10));
  const first = await host.decide(policy, acquire(10));
  expect(first.verdict).toBe("wait");
  await host.decide(policy, refund(10, first.chargedAtUs));
  expect((await host.decide(policy, acquire(10))).chargedAtUs).toBe(first.chargedAtUs);
});

test("a call that always meets others ends as contended and charges nothing", async () => {
  const world = new World();
  const host = world.host({ maxAttempts: 6 });
  world.link.failNext(6, "refuse");
  await expect(host.decide(TEN, tryAcquire())).rejects.toMatchObject({ code: "contended", attempts: 6 });
  expect(host.ledger.stats().contended).toBe(1);
  expect((await host.decide(TEN, peek())).count).toBe(0);
});

test("a store that is away fails all calls of the batch, and what is known is forgotten", async () => {
  const world = new World();
  const host = world.host();
  await host.decide(TEN, tryAcquire());
  world.link.failNext(1, "away");
  const calls = await Promise.allSettled([1, 2, 3].map(() => host.decide(TEN, tryAcquire())));
  for (const call of calls)
    expect(call).toMatchObject({ status: "rejected", reason: { code: "store", reason: "away" } });
  // The first read of what was forgotten is refused and tells the truth.
  const refused = host.ledger.stats().refused;
  expect((await host.decide(TEN, tryAcquire())).count).toBe(2);
  expect(host.ledger.stats().refused).toBe(refused + 1);
});

test("what is known is bounded in number, and forgetting it harms nothing", async () => {
  const world = new World();
  const host = world.host({ maxKnown: 32 });
  for (let round = 0; round < 3; round++) {
    for (let user = 0; user < 500; user++) {
      expect((await host.decide(TEN, tryAcquire(), `user ${user}`)).verdict).toBe("allowed");
    }
  }
  expect((await host.decide(TEN, peek(), "user 7")).count).toBe(3);
  expect(host.ledger.known).toBeLessThanOrEqual(32);
});

test("an entity that is used all the time is not forgotten for those that are not", async () => {
  const world = new World();
  const host = world.host({ maxKnown: 32 });
  const policy = limiter([limit(100_000, "day")]);
  await host.decide(policy, tryAcquire(), "hot");
  let refused = host.ledger.stats().refused;
  let forgotten = 0;
  for (let user = 0; user < 300; user++) {
    await host.decide(policy, tryAcquire(), `user ${user}`);
    refused = host.ledger.stats().refused;
    await host.decide(policy, tryAcquire(), "hot");
    forgotten += host.ledger.stats().refused - refused;
  }
  expect(forgotten).toBe(0);
});

test("a run that fails fails its own call only, and leaves nothing in the commit", async () => {
  const world = new World();
  const broken = new Policy(limiters, TEN.config);
  const sometimes: Run = (policy, request, transaction) => {
    if (policy !== broken) return run(policy, request, transaction);
    transaction.startRun();
    transaction.put({ entity: 0, field: 99, scope: "shared" }, "x", 5);
    transaction.rollbackRun();
    throw new Error("a trap");
  };
  const ledger = new Ledger({ run: sometimes, store: world.link, clock: world.clock });
  const entity = EntityKey.of("rl", "api", "k");
  const answers = await Promise.allSettled([TEN, broken, TEN].map(policy => ledger.call(entity, policy, tryAcquire())));
  expect(answers.map(answer => answer.status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
  expect(decision((answers[2] as PromiseFulfilledResult<Decided>).value).count).toBe(2);
  expect(world.link.commits.flatMap(commit => commit.cells.map(cell => cell.field))).not.toContain(99);
});

test("a policy that does something else when it is repeated is found out", async () => {
  const world = new World();
  let fields = 0;
  const at = (field: number) => ({ entity: 0, field, scope: "shared" }) as const;
  const fickle: Run = (_policy, _request, transaction) => {
    transaction.startRun();
    transaction.advance(at(0), 1, 0, 100, 60_000);
    transaction.put(at(++fields), "x", 60_000);
    return 7;
  };
  const [one, other] = [0, 1].map(() => new Ledger({ run: fickle, store: world.link, clock: world.clock }));
  const entity = EntityKey.of("rl", "api", "k");
  await one?.call(entity, TEN, peek());
  await expect(other?.call(entity, TEN, peek())).resolves.toBe(7);
  expect(other?.stats()).toMatchObject({ reruns: 1, diverged: 1 });
});
