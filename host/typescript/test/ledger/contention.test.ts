/** Hosts that conflict on an entity, in time that passes by hand and on a real Redis. */

import { setImmediate as turn } from "node:timers/promises";
import { Redis as IoRedis } from "ioredis";
import { describe, expect, test } from "vitest";
import { ManualClock, SystemClock } from "../../src/clock.js";
import { EntityKey } from "../../src/key.js";
import { Contention, type GiveWay, isConflict, wholeMs, widestUs } from "../../src/ledger/contention.js";
import { Ledger } from "../../src/ledger/ledger.js";
import { Memory } from "../../src/store/memory.js";
import { MemoryStore } from "../../src/store/memory-store.js";
import { redisStore } from "../../src/store/redis/redis-store.js";
import type { Commit, Op, Outcome, Store } from "../../src/store/store.js";
import { startRedis } from "../support/redis.js";
import { acquire, decision, limit, limiter, run } from "./world.js";

/** The widest that a wait can be. */
const spreadUs = (contention: Contention, nowUs = 1_000) => contention.waitUs(nowUs, 1);
const lose = (contention: Contention, tripUs = 400) => contention.met(1_000, tripUs, widestUs(undefined), false);
const win = (contention: Contention) => contention.won(() => 1_000);

const sum = (ledgers: Ledger[], of: "commits" | "contended") =>
  ledgers.reduce((sum, ledger) => sum + ledger.stats()[of], 0);
const mostAttempts = (ledgers: Ledger[]) => Math.max(...ledgers.map(ledger => ledger.stats().mostAttempts));

/** One whose every call changes the same list. */
const QUEUE = limiter([limit(1, "day")], {
  tag: "queue",
  val: { maxSize: 1_000, timeoutMs: 86_400_000, graceMs: 60_000 },
});

describe("a conflict", () => {
  const commit = (ops: readonly Op[]): Commit => ({ atUs: 0, entities: [], cells: [0, 1].map(at), ops });
  const at = (field: number) => ({ entity: 0, field });
  const refused = (...values: (string | undefined)[]): Outcome => ({ kind: "refused", values });
  const moved = (cell: number): Op => ({
    kind: "advance",
    cell,
    step: 1,
    floor: 0,
    ceiling: 9,
    ttlMs: 1,
    fits: true,
    repeat: 1,
  });
  const read = (cell: number, expected: string): Op => ({ kind: "get", cell, expected });

  test("is only a value that another host has replaced", () => {
    const both = commit([read(0, "a"), moved(1)]);
    expect(isConflict(both, refused("b", undefined))).toBe(true);
    expect(isConflict(both, refused(undefined, undefined))).toBe(true);
    // It only counted.
    expect(isConflict(both, refused("a", "9"))).toBe(false);
    expect(isConflict(both, { kind: "untimely" })).toBe(false);
  });

  test("is not what is read after the log has changed it", () => {
    const put: Op = { kind: "put", cell: 0, value: "b", ttlMs: 1 };
    expect(isConflict(commit([put, read(0, "b")]), refused("a", undefined))).toBe(false);
    expect(isConflict(commit([moved(1), read(1, "2")]), refused(undefined, "9"))).toBe(false);
  });
});

describe("contention", () => {
  test("is not a value that has changed once", () => {
    const contention = new Contention();
    lose(contention);
    expect(contention.isFelt).toBe(false);
    win(contention);
    lose(contention);
    expect(contention.waitUs(1_000, 0.9)).toBe(0);
  });

  test("has a winner of long trips leave others a part of one while it meets them", () => {
    const contention = new Contention();
    contention.met(1_000, 1_999, 50_000, true);
    expect(contention.isFelt).toBe(false);
    contention.met(1_000, 40_000, 50_000, true);
    for (const nowUs of [1_000, 500_000, 1_000_999]) {
      contention.won(() => nowUs);
      expect(spreadUs(contention, nowUs)).toBe(40_000);
    }
    expect(spreadUs(contention, 1_001_000)).toBe(0);
    contention.won(() => 1_001_000);
    expect(contention.isFelt).toBe(false);
    contention.met(1_000, 400_000, 50_000, true);
    expect(spreadUs(contention)).toBe(50_000);
  });

  test("doubles its spread with each further conflict, up to a bound", () => {
    const contention = new Contention();
    lose(contention);
    for (const expected of [400, 800, 1_600]) {
      lose(contention);
      expect(spreadUs(contention)).toBe(expected);
    }
    for (let conflict = 0; conflict < 20; conflict++) lose(contention);
    expect(spreadUs(contention)).toBe(50_000);
  });

  test("begins with no less than an attempt may last, and no more than the bound", () => {
    for (const [tripUs, expected] of [
      [-5, 100],
      [7, 100],
      [60_000_000, 50_000],
    ] as const) {
      const contention = new Contention();
      lose(contention, tripUs);
      lose(contention, tripUs);
      expect(spreadUs(contention)).toBe(expected);
    }
  });

  test("is forgotten slowly by a winner", () => {
    const contention = new Contention();
    for (let conflict = 0; conflict < 4; conflict++) lose(contention);
    for (const expected of [800, 400, 200, 100, 0]) {
      win(contention);
      expect(spreadUs(contention)).toBe(expected);
    }
    expect(contention.isFelt).toBe(false);
  });

  test("is not felt by a host that comes back after a while", () => {
    const contention = new Contention();
    for (let conflict = 0; conflict < 4; conflict++) lose(contention);
    expect([0, 99_999, 100_000, 200_000, 2_000_000].map(us => spreadUs(contention, 1_000 + us))).toEqual([
      1_600, 1_600, 800, 400, 0,
    ]);
    // A clock that was set back.
    expect(spreadUs(contention, 0)).toBe(1_600);
    contention.won(() => 2_001_000);
    expect(contention.isFelt).toBe(false);
  });

  test("is not remembered where a clock is set back, until it has caught up", () => {
    const hourUs = 3_600_000_000;
    const contention = new Contention();
    for (let conflict = 0; conflict < 3; conflict++) contention.met(2 * hourUs, 40_000, 50_000, false);
    expect(spreadUs(contention, 2 * hourUs)).toBe(50_000);
    expect(spreadUs(contention, hourUs)).toBe(0);
  });

  test("takes a part of the time that a call has", () => {
    expect([50, 5_000, 0, undefined].map(widestUs)).toEqual([12_500, 50_000, 100, 50_000]);
  });

  test("waits a part of the spread, which timers that count milliseconds keep to on average", () => {
    const contention = new Contention();
    for (let conflict = 0; conflict < 4; conflict++) lose(contention);
    expect([0, 0.25, 0.999].map(chance => contention.waitUs(1_000, chance))).toEqual([0, 400, 1_598]);
    expect([0, 0.59, 0.61, 0.999].map(chance => wholeMs(400, chance))).toEqual([0, 0, 1, 1]);
    expect([0, 0.61].map(chance => wholeMs(2_400, chance))).toEqual([2, 3]);
    expect(wholeMs(0, 0.999)).toBe(0);
  });
});

describe("hosts that meet in a crowded queue", () => {
  const HOSTS = 12;
  const CALLS = 10;
  const TRIP_MS = 0.4;

  const sleep = (clock: ManualClock, ms: number) => new Promise<void>(resolve => clock.after(ms, resolve));

  /**
   * A store at some distance: commits arrive after half a trip, each a little earlier or later than
   * others.
   */
  function distant(store: Store, clock: ManualClock, chance: () => number): Store {
    return {
      commit: async (commit: Commit) => {
        const copy = structuredClone({ atUs: commit.atUs, cells: commit.cells, ops: commit.ops });
        const { entities } = commit;
        await sleep(clock, (TRIP_MS / 2) * (1 + chance() / 4));
        const reply = await store.commit({ ...copy, entities });
        await sleep(clock, TRIP_MS / 2);
        return reply;
      },
      timeUs: () => store.timeUs(),
      isAtomicOver: () => true,
    };
  }

  /** Numbers from 0 to below 1, the same for the same seed (mulberry32). */
  function chances(seed: number): () => number {
    let state = seed;
    return () => {
      state = (state + 0x6d2b79f5) | 0;
      let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
      mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
      return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
    };
  }

  /** Lets hosts make their calls, each one after the other, and returns the ledgers. */
  async function crowd(seed: number, giveWay?: GiveWay): Promise<Ledger[]> {
    const [clock, chance] = [new ManualClock(), chances(seed)];
    const store = distant(new MemoryStore(new Memory(), clock), clock, chance);
    const giving: GiveWay = (contention, nowUs) => sleep(clock, contention.waitUs(nowUs, chance()) / 1_000);
    const ledgers = Array.from({ length: HOSTS }, () => new Ledger({ run, store, clock, giveWay: giveWay ?? giving }));
    const entity = EntityKey.of("rl", "api", "crowd");
    const caller = async (ledger: Ledger) => {
      for (let call = 0; call < CALLS; call++) await ledger.call(entity, QUEUE, acquire()).catch(() => undefined);
    };
    let isDone = false;
    void Promise.all(ledgers.map(caller)).then(() => {
      isDone = true;
    });
    while (!isDone) {
      await turn();
      clock.advanceMs(TRIP_MS / 8);
    }
    return ledgers;
  }

  test.each([1, 2, 3])("give way to each other, so that each gets its turn: seed %i", async seed => {
    const ledgers = await crowd(seed);
    expect(sum(ledgers, "contended")).toBe(0);
    // It is about every second attempt that gets through, whoever makes it.
    expect(sum(ledgers, "commits")).toBeLessThan(3 * HOSTS * CALLS);
    expect(mostAttempts(ledgers)).toBeLessThan(32);
  });

  test("would get in each other's way for much longer without", async () => {
    const ledgers = await crowd(1, () => Promise.resolve());
    expect(sum(ledgers, "commits")).toBeGreaterThan(6 * HOSTS * CALLS);
  });
});

test("gates on one Redis that meet in a crowded queue each get their turn", async () => {
  const server = await startRedis();
  const clients = Array.from({ length: 8 }, () => new IoRedis(server.port));
  const clock = new SystemClock();
  const gateOn = (client: IoRedis) => new Ledger({ run, store: redisStore(client, { timeoutMs: 10_000 }), clock });
  const ledgers = clients.map(gateOn);
  const entity = EntityKey.of("rl", "api", "crowd");
  const caller = async (ledger: Ledger) => {
    const places: number[] = [];
    for (let call = 0; call < 20; call++) places.push(decision(await ledger.call(entity, QUEUE, acquire())).waiting);
    return places;
  };
  const places = (await Promise.all(ledgers.map(caller))).flat();
  // The first was let go, and each of the others got a place of its own.
  expect(new Set(places).size).toBe(8 * 20);
  expect(sum(ledgers, "contended")).toBe(0);
  expect(sum(ledgers, "commits")).toBeLessThan(4 * 8 * 20);
  for (const client of clients) client.disconnect();
  await server.stop();
});

describe("a call that others come before again and again", () => {
  /**
   * A store that says so often that another host was there, each time after something has happened.
   */
  function contested(times: number, timeoutMs: number, happens: (clock: ManualClock) => void) {
    const clock = new ManualClock();
    const inner = new MemoryStore(new Memory(), clock);
    let left = times;
    const store: Store = {
      timeoutMs,
      keepsTimeout: true,
      timeUs: () => inner.timeUs(),
      isAtomicOver: () => true,
      commit: async commit => {
        happens(clock);
        if (left === 0) return inner.commit(commit);
        left--;
        const outcome = { kind: "refused", values: commit.cells.map(() => `of another host, ${left}`) } as const;
        return { outcome, clockUs: clock.nowUs(), foreign: 0 };
      },
    };
    return { clock, store };
  }

  test("does not end by what else its process was busy with", async () => {
    const { clock, store } = contested(5, 50, clock => clock.advanceMs(500));
    const ledger = new Ledger({ run, store, clock, giveWay: async () => undefined });
    const answer = await ledger.call(EntityKey.of("rl", "api", "k"), QUEUE, acquire());
    expect(decision(answer).verdict).toBe("allowed");
  });

  test("leaves them their turn no longer than four operations may take", async () => {
    const { clock, store } = contested(1_000, 100, () => undefined);
    const giveWay: GiveWay = async () => clock.advanceMs(20);
    const ledger = new Ledger({ run, store, clock, giveWay });
    const call = ledger.call(EntityKey.of("rl", "api", "k"), QUEUE, acquire());
    // The first two conflicts are nothing unusual.
    const attempts = 2 + (4 * 100) / 20;
    await expect(call).rejects.toMatchObject({ code: "contended", attempts });
    expect(ledger.stats()).toMatchObject({ commits: attempts, contended: 1 });
  });
});
