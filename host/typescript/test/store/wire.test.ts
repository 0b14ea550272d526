import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import type { StoreError } from "../../src/errors.js";
import { EntityKey } from "../../src/key.js";
import { COMMIT_DIGEST, COMMIT_SCRIPT } from "../../src/store/redis/commit.generated.js";
import { isUnknownScript, storeError } from "../../src/store/redis/failure.js";
import { Logs } from "../../src/store/redis/log.js";
import { clockOf, decodePart, decodeReply } from "../../src/store/redis/reply.js";
import { slotOf } from "../../src/store/redis/slot.js";
import { MAX_LAG_US, MAX_NUMBER, type Op } from "../../src/store/store.js";
import { advance, get, observe, put, raise, retreat } from "./bench.js";

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
const commit = (...ops: Op[]) => ({ atUs: 1, entities: [], cells: [{ entity: 0, field: 2 }], ops });
const log = (...ops: Op[]) => {
  const logs = new Logs();
  logs.add(commit(...ops));
  return hex(logs.take());
};
/** The bytes of an operation: without the head and the time. */
const bytesOf = (op: Op) => log(op).slice(12);
const text = (text: string) => `d9${text.length.toString(16).padStart(2, "0")}${hex(Buffer.from(text))}`;

test("the script is the one that the hosts of all languages share", async () => {
  const shared = await readFile(new URL("../../../rust/src/store/commit.lua", import.meta.url), "utf8");
  expect(COMMIT_SCRIPT).toBe(shared);
  expect(COMMIT_DIGEST).toBe(createHash("sha1").update(shared).digest("hex"));
  expect(shared).toContain(`local MAX_LAG_US = ${MAX_LAG_US}\n`);
  expect(shared).toContain(`local MAX_NUMBER = ${MAX_NUMBER}\n`);
});

describe("the log", () => {
  test("is one array of the time and the operations", () => {
    expect(log()).toBe("dd0000000101");
    expect(log(observe(0), observe(0))).toBe("dd000000050102010201");
  });

  test("has its operations as the script documents them", () => {
    expect(bytesOf(get(0, undefined))).toBe("0101c2");
    expect(bytesOf(get(0, "ab"))).toBe(`0101${text("ab")}`);
    expect(bytesOf(put(0, "é"))).toBe(`0301d902c3a9${text("60000")}`);
    expect(bytesOf(put(0, undefined))).toBe(`0301c2${text("60000")}`);
    expect(bytesOf(advance(0, 3, 4, 5, false, 7))).toBe(`0401030405${text("60000")}c2`);
    expect(bytesOf(advance(0, 3, 4, 90, true, 7))).toBe(`040115045a${text("60000")}c3`);
    expect(bytesOf(retreat(0, 1, 2))).toBe("05010102");
    expect(bytesOf(raise(0, 9))).toBe(`060109${text("60000")}`);
  });

  test("has numbers of every size exactly", () => {
    const bytes = (number: number) => bytesOf(retreat(0, number, 0)).slice(4, -2);
    expect([0, 127, 128, 255, 65_536, 2 ** 32 - 1].map(bytes)).toEqual([
      "00",
      "7f",
      "ce00000080",
      "ce000000ff",
      "ce00010000",
      "ceffffffff",
    ]);
    for (const number of [2 ** 32, 2 ** 32 + 1, 1_767_268_800_000_001, MAX_NUMBER - 1, MAX_NUMBER]) {
      expect(bytes(number)).toBe(`cf${BigInt(number).toString(16).padStart(16, "0")}`);
    }
    expect(bytes(MAX_NUMBER + 2)).toBe(bytes(MAX_NUMBER));
    expect(bytes(2 ** 64)).toBe(bytes(MAX_NUMBER));
  });

  test("has texts of every length", () => {
    const logs = new Logs();
    const bytes = (text: string) => {
      logs.add(commit(get(0, text)));
      return hex(logs.take()).slice(16);
    };
    expect(bytes("")).toBe("d900");
    for (const length of [85, 86, 255]) expect(bytes("x".repeat(length))).toBe(text("x".repeat(length)));
    for (const long of ["x".repeat(256), "é".repeat(128), "🌊".repeat(2_000)]) {
      const utf8 = Buffer.from(long);
      expect(bytes(long)).toBe(`db${utf8.length.toString(16).padStart(8, "0")}${hex(utf8)}`);
    }
    // The next log does not remember a long one.
    expect(bytes("a")).toBe(text("a"));
  });

  test("asks for an amount that fits nowhere where it is above the greatest number", () => {
    const amount = (step: number, repeat: number) =>
      BigInt(`0x${bytesOf(advance(0, step, 0, 0, true, repeat)).slice(6, 22)}`);
    const beyond = BigInt(MAX_NUMBER) + 2n;
    expect(amount(MAX_NUMBER, 1)).toBe(BigInt(MAX_NUMBER));
    expect(amount(2 ** 64, 1)).toBe(BigInt(MAX_NUMBER));
    expect(amount(2 ** 52, 2)).toBe(BigInt(MAX_NUMBER));
    expect(amount(MAX_NUMBER, 2)).toBe(beyond);
    expect(amount(2 ** 64, 2 ** 64)).toBe(beyond);
    // 3 * 3002399751580331 is 2^53 + 1, which rounds to 2^53.
    expect(amount(3_002_399_751_580_331, 3)).toBe(beyond);
  });

  test("keeps a ttl within what Redis takes", () => {
    const ttl = (ttlMs: number) => bytesOf({ kind: "put", cell: 0, value: undefined, ttlMs }).slice(6);
    expect([ttl(0), ttl(1), ttl(2 ** 64)]).toEqual([text("1"), text("1"), text("3162240000000")]);
  });

  test("of a cell that the commit does not have is refused, and leaves the others alone", () => {
    const logs = new Logs();
    logs.add(commit(observe(0)));
    expect(() => logs.add(commit(observe(0), observe(1)))).toThrow("the commit has no cell 1");
    expect(hex(logs.take())).toBe(log(observe(0)));
  });

  test("of one commit is the same when another was taken out from behind it", () => {
    const logs = new Logs();
    logs.add(commit(observe(0)));
    logs.add(commit(put(0, "long")));
    expect(hex(logs.takeLatest())).toBe(log(put(0, "long")));
    expect(hex(logs.take())).toBe(log(observe(0)));
  });

  test("of several commits is one array of each and the number of its cells", () => {
    const logs = new Logs();
    const [first, second] = [log(observe(0)), log(retreat(0, 1, 2))];
    logs.add(commit(observe(0)));
    logs.add({ ...commit(), cells: [] });
    // A log can go alone after all.
    expect(hex(logs.takeLatest())).toBe(log());
    logs.add(commit(observe(0)));
    expect(hex(logs.takeLatest())).toBe(first);
    logs.add(commit(retreat(0, 1, 2)));
    const { from, to } = logs;
    const together = logs.take();
    expect(hex(together)).toBe(`dd00000004${first}01${second}01`);
    expect(hex(together.subarray(from, to))).toBe(second);
    expect(log(observe(0))).toBe(first);
  });
});

describe("a reply", () => {
  test("is read as the script documents it, whatever the client makes of integers and text", () => {
    const ops = [get(0, "a"), observe(0), advance(0, 1, 0, 9, true), observe(0), retreat(0, 1, 0)];
    const applied = { outcome: { kind: "applied", seen: [undefined, "é", 7, undefined, 6] }, clockUs: 9, foreign: 2 };
    expect(decodeReply([0, 9, 2, "é", 7, null, 6], ops, 1)).toEqual(applied);
    expect(decodeReply(["0", "9", "2", Buffer.from("é"), "7", null, 6n], ops, 1)).toEqual(applied);
    expect(decodeReply([1, 9, 0, "x", null], ops, 2).outcome).toEqual({ kind: "refused", values: ["x", undefined] });
    expect(decodeReply([2, 9, 0], ops, 1).outcome).toEqual({ kind: "untimely" });
  });

  const malformed: unknown[] = [
    null,
    "OK",
    0,
    new Map(),
    [],
    [0],
    [0, 1],
    [0, 1, null],
    [3, 1, 0],
    [0, -1, 0],
    [0, 0.5, 0],
    [0, Number.NaN, 0],
    [2, 1, 0, 0],
    [0, 1, 0],
    [0, 1, 0, 7],
    [0, 1, 0, "a", "b"],
    [0, 1, 0, Buffer.from([0xff])],
    [1, 1, 0],
    [1, 1, 0, {}],
    [[], 1, 0],
  ];
  test.each(malformed.map(value => [value]))("of any other shape is an error of the store: %j", value => {
    expect(() => decodeReply(value, [observe(0)], 1)).toThrow("the server's reply is malformed");
  });
});

describe("a reply to several commits", () => {
  test("is one clock and a part for each, which is a number for an advance that was applied", () => {
    const refused = [1, 8, 0, null];
    expect(clockOf([9, 7, refused], 2)).toBe(9);
    const applied = (seen: number) => ({ outcome: { kind: "applied", seen: [seen] }, clockUs: 9, foreign: 0 });
    for (const part of [7, "7", 7n]) expect(decodePart(part, 9, [advance(0, 1, 0, 9, true)], 1)).toEqual(applied(7));
    expect(decodePart([0, 9, 0, 7], 9, [advance(0, 1, 0, 9, true)], 1)).toEqual(applied(7));
    const values = [undefined];
    expect(decodePart(refused, 9, [observe(0)], 1)).toEqual({
      outcome: { kind: "refused", values },
      clockUs: 8,
      foreign: 0,
    });
  });

  test("of any other shape is an error of the store", () => {
    for (const value of [null, "OK", 9, [], [9], [9, 7], [9, 7, 7, 7], [null, 7, 7], [[], 7, 7]]) {
      expect(() => clockOf(value, 2)).toThrow("the server's reply is malformed");
    }
    for (const part of [null, -1, 0.5, "a", {}]) {
      for (const ops of [[advance(0, 1, 0, 9, true)], [observe(0)], []]) {
        expect(() => decodePart(part, 9, ops, 1)).toThrow("the server's reply is malformed");
      }
    }
  });
});

test("an entity's slot is that of its tag", () => {
  // What CLUSTER KEYSLOT says.
  expect(slotOf(EntityKey.ofTag("123456789"))).toBe(12_739);
  expect(slotOf(EntityKey.ofTag("foo"))).toBe(12_182);
});

test("errors of the server are told from those of the way to it", () => {
  for (const message of [
    "ERR unknown",
    "OOM command not allowed",
    "NOPERM this user",
    "READONLY You can't write",
    "CLUSTERDOWN",
  ]) {
    expect((storeError(new Error(message)) as StoreError).reason).toBe("refused");
  }
  const ways = [
    "Connection is closed.",
    "connect ECONNREFUSED 127.0.0.1:1",
    "Socket closed unexpectedly",
    "The client is closed",
    "",
  ];
  for (const message of ways) expect((storeError(new Error(message)) as StoreError).reason).toBe("away");
  expect(isUnknownScript(new Error("NOSCRIPT No matching script. Please use EVAL."))).toBe(true);
});

test("the command that a user may not run in the script is named, also where the server tells its line alone", () => {
  const denied = "The user executing the script can't run this command or subcommand";
  const [time, mget] = ["call('TIME')", "call('MGET'"].map(
    call => COMMIT_SCRIPT.split("\n").findIndex(line => line.includes(call)) + 1,
  );
  const of7 = storeError(new Error(`ERR ${denied} script: ${COMMIT_DIGEST}, on @user_script:${time}.`));
  expect(of7.message).toContain("NOPERM this user has no permissions to run the 'time' command in the script");
  const of6 = `ERR Error running script (call to f_${COMMIT_DIGEST}): @user_script:${mget}: @user_script: ${mget}: ${denied}`;
  expect(storeError(new Error(of6)).message).toContain("run the 'mget' command in the script");
  expect(storeError(new Error(`ERR ${denied}`)).message).toBe(`the store refused the commit: ERR ${denied}`);
});
