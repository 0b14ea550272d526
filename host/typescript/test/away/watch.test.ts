/**
 * The store watch: when it turns calls away, and how it finds out that the store is back.
 */

import { expect, test } from "vitest";
import { ConfigError, type StoreError, Tidegate } from "../../src/index.js";
import { Fleet, type Host, settled, takeAway } from "./fleet.js";

const SECOND = { name: "api", limits: [{ limit: 100, window: "second" }] } as const;

function limited(host: Host) {
  const limiter = host.gate.rateLimiter(SECOND);
  return (key = "me") =>
    limiter.tryAcquire(key).then(
      ({ verdict }) => verdict,
      ({ reason }: StoreError) => reason,
    );
}

test("three failures in a row open it, and then nothing is sent", async () => {
  const host = new Fleet().host();
  const ask = limited(host);
  host.link.isCut = true;
  expect([await ask(), await ask()]).toEqual(["away", "away"]);
  expect(host.gate.storeState()).toBe("unknown");
  expect(await ask()).toBe("away");
  expect(host.gate.storeState()).toBe("away");
  const sent = host.link.commits.length;
  await expect(host.gate.rateLimiter(SECOND).tryAcquire("me")).rejects.toThrow(/watch is open.*the link is cut/);
  expect(host.link.commits).toHaveLength(sent);
  expect(host.gate.stats().watchRefused).toBe(1);
});

test("a success between failures starts the count anew", async () => {
  const host = new Fleet().host();
  const ask = limited(host);
  for (let round = 0; round < 3; round++) {
    expect(await ask()).toBe("allowed");
    host.link.isCut = true;
    expect([await ask(), await ask()]).toEqual(["away", "away"]);
    host.link.isCut = false;
  }
  expect(host.gate.storeState()).toBe("available");
  expect(host.changes).toEqual([]);
});

test("a store that only says what it knows does not count as one that takes what it is sent", async () => {
  const fleet = new Fleet();
  const host = fleet.host();
  const ask = limited(host);
  await ask();
  for (let failure = 0; failure < 3; failure++) {
    // As of a replica: the first commit is refused on what is known, the second fails where it
    // writes.
    host.link.failInTurn("refuse", "away");
    expect(await ask()).toBe("away");
  }
  expect(host.gate.storeState()).toBe("away");
});

test("a store that refuses to write is away however well it reads", async () => {
  const host = new Fleet().host();
  const limiter = host.gate.rateLimiter(SECOND);
  const ask = limited(host);
  await ask();
  host.link.failNext(6, "read-only");
  for (let failure = 0; failure < 3; failure++) {
    expect((await limiter.peek(`user ${failure}`)).verdict).toBe("allowed");
    expect(await ask()).toBe("refused");
  }
  expect(host.gate.storeState()).toBe("away");
});

test("a read is a success where the store was not to be reached before", async () => {
  const host = new Fleet().host();
  const ask = limited(host);
  await ask();
  for (let round = 0; round < 3; round++) {
    host.link.failNext(2, "away");
    expect([await ask(), await ask()]).toEqual(["away", "away"]);
    expect((await host.gate.rateLimiter(SECOND).peek(`user ${round}`)).verdict).toBe("allowed");
  }
  expect(host.gate.storeState()).toBe("available");
});

test("probes come twice as late each time, up to five seconds, and need no traffic", async () => {
  const fleet = new Fleet();
  const host = fleet.host();
  await takeAway(host);
  const pauses: number[] = [];
  let pause = 0;
  for (let ms = 0; ms < 20_000; ms += 100) {
    const before = host.changes.length;
    await fleet.pass(100);
    pause += 100;
    if (host.changes.length > before) {
      pauses.push(pause);
      pause = 0;
    }
  }
  expect(pauses).toEqual([500, 1_000, 2_000, 4_000, 5_000, 5_000]);
});

test("a probe that comes through opens the way, and then nothing waits for the clock", async () => {
  const fleet = new Fleet();
  const host = fleet.host();
  const ask = limited(host);
  await takeAway(host);
  host.link.isCut = false;
  await fleet.pass(499);
  expect(await ask()).toBe("away");
  await fleet.pass(1);
  expect(await ask()).toBe("allowed");
  expect(host.changes.map(({ before, after }) => `${before}-${after}`)).toEqual([
    "unknown-away",
    "away-probing",
    "probing-available",
  ]);
  expect(host.changes[0]).toMatchObject({ shard: 0, cause: expect.stringContaining("the link is cut") });
  expect(fleet.clock.sleepers).toBe(0);
});

test("a store that can be read but not written is not back", async () => {
  const fleet = new Fleet();
  const host = fleet.host();
  await takeAway(host);
  host.link.isCut = false;
  host.link.failNext(1, "away");
  await fleet.pass(500);
  expect(host.gate.storeState()).toBe("away");
  await fleet.pass(1_000);
  expect(host.gate.storeState()).toBe("available");
});

test("a probe that hangs is given up, and another one follows", async () => {
  const fleet = new Fleet();
  const host = fleet.host({}, 50);
  await takeAway(host);
  host.link.isCut = false;
  const release = host.link.hold();
  await fleet.pass(500);
  expect(host.gate.storeState()).toBe("probing");
  expect(await limited(host)()).toBe("away");
  await fleet.pass(100);
  expect(host.gate.storeState()).toBe("away");
  release();
  await fleet.pass(1_000);
  expect(host.gate.storeState()).toBe("available");
});

test("a part of the store that is away does not take the others with it", async () => {
  const fleet = new Fleet();
  const host = fleet.host();
  const [one, two] = ["one", "two"];
  host.link.shardOf = ({ tag }) => (tag.endsWith(one) || tag.endsWith("sg:probe:3") ? 3 : 0);
  host.link.isCutTo = shard => shard === 3;
  host.link.isCut = true;
  const ask = limited(host);
  for (let failure = 0; failure < 3; failure++) expect(await ask(one)).toBe("away");
  expect(host.changes).toMatchObject([{ shard: 3, after: "away" }]);
  expect(await ask(two)).toBe("allowed");
  expect(host.gate.storeState()).toBe("away");
  host.link.isCut = false;
  await fleet.pass(500);
  expect(await ask(one)).toBe("allowed");
});

test("a clock that is set back does not keep it open", async () => {
  const fleet = new Fleet();
  const host = fleet.host();
  await takeAway(host);
  host.link.isCut = false;
  fleet.clock.setUs(fleet.clock.nowUs() - 3_600e6);
  const at = fleet.clock.nowUs();
  const limiter = host.gate.rateLimiter({ ...SECOND, whenAway: "closed" });
  expect(await limiter.tryAcquire("me")).toMatchObject({ reason: "store-away", retryAfterMs: 500 });
  expect(fleet.clock.nowUs()).toBe(at);
});

test("without it each call finds out by itself", async () => {
  const host = new Fleet().host({ storeWatch: false });
  const ask = limited(host);
  host.link.isCut = true;
  for (let failure = 0; failure < 10; failure++) expect(await ask()).toBe("away");
  host.link.isCut = false;
  expect(await ask()).toBe("allowed");
});

test("its settings are checked, and named as they are written", () => {
  const { link: store } = new Fleet().host();
  const open = (storeWatch: object) => () => new Tidegate({ store, storeWatch });
  const problem = (path: string) => expect.objectContaining({ problems: [expect.objectContaining({ path })] });
  expect(open({ failures: 0 })).toThrow(problem("storeWatch.failures"));
  expect(open({ openMs: 0 })).toThrow(problem("storeWatch.openMs"));
  expect(open({ openMs: 10, capMs: 9 })).toThrow(problem("storeWatch.capMs"));
  expect(open({ tries: 3 })).toThrow(problem("storeWatch.tries"));
  expect(open({ failures: 1 })).not.toThrow(ConfigError);
});

test("a full store is no store that is away", async () => {
  const host = new Fleet().host();
  const { StoreError } = await import("../../src/errors.js");
  host.link.commit = () => Promise.reject(new StoreError("full", "full"));
  const ask = limited(host);
  for (let failure = 0; failure < 5; failure++) expect(await ask()).toBe("full");
  await settled();
  expect(host.gate.storeState()).toBe("available");
});
