/** The demo as a user runs it: what its summary says must add up and agree with itself. */

import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

import type { Summary } from "../src/summary.js";
import { addsUp, openedAndClosed } from "./promises.js";
import { RedisServer } from "./redis-server.js";

const PROGRAM = fileURLToPath(new URL("../dist/main.js", import.meta.url));

/**
 * The server fails for half a second from its tenth request on, and the circuit opens for a fifth
 * of one. The run goes on for two seconds at least after that.
 */
const SHORT = words("--items 160 --rate 40 --fail-from 10 --fail-for-ms 500 --open-ms 200 --failures 5");

function words(text: string): string[] {
  return text.split(" ");
}

interface Ended {
  status: number;
  stdout: string;
  stderr: string;
}

function demo(flags: readonly string[]): Promise<Ended> {
  return new Promise(resolve => {
    const process = execFile("node", [PROGRAM, ...flags], (_error, stdout, stderr) => {
      resolve({ status: process.exitCode ?? -1, stdout, stderr });
    });
  });
}

async function summary(flags: readonly string[]): Promise<Summary> {
  const { status, stdout, stderr } = await demo([...flags, "--json"]);
  expect(status, stderr).toBe(0);
  return JSON.parse(stdout) as Summary;
}

test("the circuit opens while the server fails and the numbers add up", async () => {
  const told = await summary(SHORT);
  addsUp(told);
  openedAndClosed(told.circuit.transitions);
  expect(told.items.failed).toBeGreaterThanOrEqual(5);
  expect(told.items.failed_fast).toBeGreaterThan(0);
});

test("a server that never fails leaves the circuit closed", async () => {
  const told = await summary(words("--items 20 --rate 1000 --fail-from 0 --latency-ms 0"));
  addsUp(told);
  expect(told.items.passed).toBe(20);
  expect(told.circuit.transitions).toEqual([]);
});

test("items that may not wait long enough are denied and not sent", async () => {
  const told = await summary(words("--items 12 --rate 2 --queue-timeout-ms 1 --fail-from 0"));
  addsUp(told);
  expect(told.items.denied).toBeGreaterThan(0);
});

test("the text has the same parts as the JSON", async () => {
  const { stdout, stderr } = await demo(words("--items 5 --rate 1000"));
  const parts = [
    "5 items in ",
    "passed           5",
    "waited: p50",
    "stayed closed",
    "5 in all: 5 answered, 0 refused",
  ];
  for (const part of parts) expect(stdout).toContain(part);
  expect(stderr).toContain("5 of 5  passed 5  failed 0  failed fast 0  circuit closed");
});

describe("on Redis", () => {
  let redis: RedisServer;

  beforeEach(async () => {
    redis = await RedisServer.start();
  });
  afterEach(() => redis.stop());

  test("two processes share one limit and one circuit", async () => {
    const told = await summary([...SHORT, ...words("--workers 2 --concurrency 4 --store"), redis.url]);
    expect([told.workers, told.store]).toEqual([2, redis.url]);
    addsUp(told);
    openedAndClosed(told.circuit.transitions);
  });

  test.each(["1", "2"])("a store that is away ends the demo with its reason, with %s workers", async workers => {
    await redis.stop();
    const flags = ["--items", "3", "--store", redis.url, "--workers", workers, "--json"];
    const { status, stdout, stderr } = await demo(flags);
    expect(status, stderr).toBe(1);
    expect(stderr).toContain(`error: --store ${redis.url}: connect ECONNREFUSED`);
    // There is nothing to sum up.
    expect(stdout).toBe("");
  });
});

test.each([
  ["--rate ten", '--rate is "ten", must be a whole number from 1 to 1000000'],
  ["--items=0", '--items is "0", must be a whole number from 1 to 1000000'],
  ["--items -1", '--items is "-1", must be a whole number from 1 to 1000000'],
  ["--workers 33", '--workers is "33", must be a whole number from 1 to 32'],
  ["--open-ms 86400001", '--open-ms is "86400001", must be a whole number from 1 to 86400000'],
  ["--store etcd://host", '--store is "etcd://host", must be memory or a URL redis://host:port'],
  ["--store http://me:secret@host", '--store is "http://host", must be memory or a URL redis://host:port'],
  ["--items", "--items needs a value; see --help"],
  ["--itmes 3", "invalid option '--itmes'; see --help"],
  ["three", 'unexpected argument "three"; see --help'],
  ["--json=yes", "unexpected argument for option '--json': \"yes\"; see --help"],
  [
    "--workers 2",
    "--workers 2 needs --store redis://host:port: each process has a memory of its own, so only a shared store can " +
      "hold one limit for all",
  ],
])("the bad flag %s is quoted in one sentence", async (flags, problem) => {
  expect(await demo(words(flags))).toEqual({ status: 2, stdout: "", stderr: `error: ${problem}\n` });
});

test("help names every flag", async () => {
  const { status, stdout } = await demo(["--help"]);
  expect(status).toBe(0);
  const flags =
    "items rate store workers concurrency queue-timeout-ms failures open-ms fail-from fail-for-ms latency-ms key json help";
  for (const flag of words(flags)) expect(stdout).toContain(`  --${flag} `);
});
