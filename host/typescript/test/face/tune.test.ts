import { expect, it } from "vitest";
// @ts-expect-error: a script without types
import { liftedIn } from "../../scripts/contract.mjs";
// @ts-expect-error: a script without types
import { ADVANCE, tune } from "../../scripts/tune.mjs";
import { blocking, ManualClock, Tidegate } from "../../src/index.js";

it("refuses to tune what does not look as it should", () => {
  expect(() => tune("export function instantiate() {}", [])).toThrow(/matches 0 times instead of 1$/);
});

it("reads in a contract which functions return numbers, however deep they lie", () => {
  const contract = `interface traffic-light {
    record inner { at-us: u64, name: string }
    record outer { /// A u64 in a comment: u64.
      count: u64, last: option<u64>, inner: inner, }
    resource light {
      open: static func(config: string) -> result<light, string>;
      look: func(entity: u32) -> outer;
      turn: func(entity: u32) -> result<inner, string>;
      copy: func() -> result<light, string>;
      wait-us: func() -> u64;
      name: func() -> string;
      reset: func();
    }
  }`;
  expect(liftedIn([contract])).toEqual([
    { name: "trafficLight010MethodLightLook", numbers: 3 },
    { name: "trafficLight010MethodLightTurn", numbers: 1 },
    { name: "trafficLight010MethodLightCopy", numbers: 0 },
  ]);
});

it.each([
  ["plain", "busy"],
  ["with letters of many bytes", "überlastet 忙 🙂"],
  ["long", "x".repeat(1_000)],
  ["empty", ""],
])("hands a text on that is %s", (_, message) => {
  const part = "message" as const;
  const monitored = [{ part, pattern: message === "" ? "*" : message }];
  const breaker = new blocking.Tidegate({ clock: new ManualClock() }).circuitBreaker({
    name: "c",
    trip: { consecutive: 100 },
    monitored,
  });
  for (let failures = 1; failures <= 50; failures++) {
    const permit = breaker.admit().permit ?? { generation: 0, admittedAtUs: 0, probe: 0 };
    const failure = { name: "Error", message, code: "" };
    expect(breaker.failed(permit, 1, failure)).toMatchObject({ effect: "counted-failure", consecutive: failures });
  }
});

it("reads and writes times that need more than 32 bits, up to what a double tells", () => {
  const clock = new ManualClock(2 ** 52);
  const limiter = new blocking.Tidegate({ clock }).rateLimiter({
    name: "api",
    limits: [{ limit: 1, window: "second" }],
  });
  expect(limiter.tryAcquire("me")).toMatchObject({ verdict: "allowed", atUs: 2 ** 52, chargedAtUs: 2 ** 52 });
  expect(limiter.tryAcquire("me").verdict).toBe("denied");
});

it("finds the function behind advance by its name, wherever the wiring has it", () => {
  const wiring = (number: number, trampoline: string) => `
    advance: exports0['${number}'],
    '0': trampoline1,
    '${number}': ${trampoline},
  `;
  for (const [number, trampoline] of [
    [3, "trampoline8"],
    [5, "trampoline12"],
  ] as const) {
    expect(wiring(number, trampoline).replace(ADVANCE.from, ADVANCE.to)).toContain(
      `'${number}': inDoubles(${trampoline}),`,
    );
  }
});

it("hands texts out as they are, also one that begins with a byte order mark", () => {
  const gate = new Tidegate({ clock: new ManualClock() });
  const config = { limit: 1, window: "second", keyType: "per-user", behavior: "reject" } as const;
  expect(gate.rateLimiterNode(config).subject({ userId: "\uFEFFme" }).key).toBe("\uFEFFme");
});

it("reads the numbers of a node's step", async () => {
  const gate = new Tidegate({ clock: new ManualClock(2 ** 52) });
  const node = gate.rateLimiterNode({
    limit: 1,
    window: "hour",
    keyType: "global",
    behavior: "delay",
    queueTimeoutMs: 8e7,
  });
  await node.begin({});
  expect(await node.begin({})).toMatchObject({ done: false, waitMs: 3_600_000 });
  const circuit = gate.circuitBreakerNode({
    circuitId: "c",
    failureThreshold: 1,
    failureWindowMs: 1_000,
    successThreshold: 1,
    halfOpenTimeoutMs: 2_592_000_000,
    fallbackAction: "skip",
    monitoredErrors: "all",
  });
  expect((await circuit.failed("x")).report).toMatchObject({ lastFailureUs: 2 ** 52, retryAfterMs: 2_592_000_000 });
});
