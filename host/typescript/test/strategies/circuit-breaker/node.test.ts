import { describe, expect, it } from "vitest";
import { isCircuitOpenError, isConfigError, isInputError } from "../../../src/index.js";
import { breakerNode, CIRCUIT, settle, thrownBy } from "../../nodes/support.js";

const down = () => Promise.reject(new Error("down"));

async function trip({ call }: { call: (operation: typeof down) => Promise<unknown> }) {
  for (let failures = 0; failures < 2; failures++) await expect(call(down)).rejects.toThrow("down");
}

describe("a circuit breaker node", () => {
  it("counts outcomes by their tokens, opens, and closes after a probe", async () => {
    const { clock, node } = breakerNode();
    const result = {
      allowed: true,
      circuitState: "closed",
      failedFast: false,
      fallbackUsed: false,
      failureCount: 0,
      successCount: 0,
    };
    const first = await node.admit();
    expect(first).toMatchObject({ result, json: JSON.stringify(result), token: expect.stringMatching(/^.{1,100}$/) });
    const one = await node.failed(new Error("down"), first.token);
    expect(one.result).toMatchObject({ failureCount: 1, lastFailure: new Date("2026-01-01T12:00:00.000Z") });
    expect(one.json).toContain('"lastFailure":"2026-01-01T12:00:00.000Z"');
    expect(JSON.stringify(one.result)).toBe(one.json);
    const second = await node.admit();
    expect((await node.failed("down", second.token)).result.circuitState).toBe("open");
    const refused = await node.admit();
    expect(refused.result).toMatchObject({ allowed: false, failedFast: true, circuitState: "open" });
    expect(refused).not.toHaveProperty("token");
    clock.advanceMs(5_000);
    expect((await node.status()).result).toMatchObject({ allowed: true, circuitState: "half-open" });
    const probe = await node.admit();
    expect((await node.admit()).result.allowed).toBe(false);
    expect((await node.succeeded(probe.token)).result).toMatchObject({ circuitState: "closed", allowed: true });
  });

  it("frees a probe that is cancelled", async () => {
    const { clock, node } = breakerNode({ failureThreshold: 1 });
    await node.failed(new Error("down"), (await node.admit()).token);
    clock.advanceMs(5_000);
    const { token } = await node.admit();
    expect((await node.admit()).result.allowed).toBe(false);
    await node.cancelled(token);
    expect((await node.admit()).result.allowed).toBe(true);
  });

  it.each([
    ["by its status", { name: "HttpError", message: "x", code: "", status: "503" }, 1],
    ["by its cause", { name: "x", message: "x", code: "", causes: [{ name: "", message: "", code: "E503" }] }, 1],
    ["not, where neither is so", { name: "x", message: "x", code: "5", status: "404" }, 0],
  ])("counts a failure %s", async (_, failure, failureCount) => {
    const { node } = breakerNode({ monitoredErrors: ["503"] });
    expect((await node.failed(new Error("x"), undefined, failure)).result).toMatchObject({ failureCount });
  });

  it.each([
    ["by its message", new Error("no answer: timeout after 5 s"), 1],
    ["by its name", Object.assign(new Error("x"), { name: "TimeoutError" }), 1],
    ["by a pattern", new Error("HTTP 503"), 1],
    ["that is text", "timeout", 1],
    ["not, where it is another", new Error("bad request"), 0],
    ["by its code", Object.assign(new Error("x"), { code: "timeout" }), 1],
  ])("counts an error %s", async (_, error, failureCount) => {
    const { node } = breakerNode({ monitoredErrors: ["timeout", "Timeout", "HTTP 5??"] });
    expect((await node.failed(error)).result).toMatchObject({ failureCount });
  });

  it.each([
    ["succeeded", (token: string) => breakerNode().node.succeeded(token)],
    ["failed", (token: string) => breakerNode().node.failed("x", token)],
    ["cancelled", (token: string) => breakerNode().node.cancelled(token)],
  ])("refuses a token of no admission, by %s", async (_, bring) => {
    for (const token of ["nonsense", 5 as unknown as string]) {
      const error = await thrownBy(bring(token));
      expect(isInputError(error) && [error.node, error.problems[0]?.path]).toEqual(["circuit-breaker", "token"]);
    }
  });

  it("is one circuit with a circuit breaker of its name", async () => {
    const { gate, node } = breakerNode();
    await trip(node2call(node));
    const breaker = gate.circuitBreaker({ name: "payments", trip: { failures: { count: 2, withinMs: 10_000 } } });
    expect((await breaker.admit()).effect).toBe("refused-open");
  });
});

function node2call(node: { call: (operation: () => Promise<never>) => Promise<unknown> }) {
  return { call: (operation: typeof down) => node.call(operation) };
}

describe("a call through a circuit breaker node", () => {
  it("gives what the operation gives, and the circuit", async () => {
    const { node } = breakerNode();
    expect(await node.call(() => 5)).toMatchObject({ result: 5, circuitResult: { allowed: true, failureCount: 0 } });
    expect(await node.call(async () => undefined)).toHaveProperty("result", undefined);
  });

  it("throws the typed error on an open circuit where the fallback is error", async () => {
    const { gate, node } = breakerNode();
    await trip(node2call(node));
    const errors = await Promise.all([node.call(() => 5), node.execute()].map(thrownBy));
    for (const error of errors) {
      expect(isCircuitOpenError(error) && [error.circuit, error.retryAfterMs]).toEqual(["payments", 5_000]);
    }
    await expect(gate.executeCircuitBreakerNode(CIRCUIT, {})).rejects.toThrow(/refused the call/);
  });

  it.each([
    ["a text", "later"],
    ["an object", { paid: false, items: [1] }],
    ["null", null],
    ["false", false],
  ])("gives the fallback value where it is %s", async (_, fallbackValue) => {
    const { node } = breakerNode({ fallbackAction: "default", fallbackValue });
    await trip(node2call(node));
    const one = await node.call<unknown>(() => 5);
    expect(one).toEqual({ result: fallbackValue, circuitResult: expect.objectContaining({ fallbackUsed: true }) });
    const two = await node.call<unknown>(() => 5);
    // Whoever changes one has not changed the next.
    if (typeof fallbackValue === "object" && fallbackValue !== null) expect(two.result).not.toBe(one.result);
    expect((await node.execute()).result).toMatchObject({ allowed: false, fallbackUsed: true });
  });

  it("gives no result where the fallback is to skip", async () => {
    const { node } = breakerNode({ fallbackAction: "skip" });
    await trip(node2call(node));
    const skipped = await node.call(() => 5);
    expect(Object.keys(skipped)).toEqual(["circuitResult"]);
    expect(skipped.circuitResult).toMatchObject({ allowed: false, failedFast: true, fallbackUsed: false });
  });

  it("throws on what the operation throws, also at once", async () => {
    const { node } = breakerNode();
    const error = new Error("at once");
    const thrown = await thrownBy(
      node.call(() => {
        throw error;
      }),
    );
    expect(thrown).toBe(error);
    expect((await node.status()).result.failureCount).toBe(1);
  });

  it("has no outcome when it is given up", async () => {
    const { clock, gate, node } = breakerNode({ failureThreshold: 1 });
    await node.failed("down");
    clock.advanceMs(5_000);
    const aborter = new AbortController();
    const call = node.call(() => new Promise(() => undefined), { signal: aborter.signal });
    await settle();
    expect((await node.status()).result.allowed).toBe(false);
    aborter.abort(new Error("enough"));
    await expect(call).rejects.toThrow("enough");
    await gate.flush();
    expect((await node.status()).result).toMatchObject({ allowed: true, circuitState: "half-open", failureCount: 1 });
    await expect(node.call(() => 5, { signal: aborter.signal })).rejects.toThrow("enough");
  });
});

it.each([
  ["a default without a value", { fallbackAction: "default" }, ["fallbackValue"]],
  ["a default of undefined", { fallbackAction: "default", fallbackValue: undefined }, ["fallbackValue"]],
  ["a wrong error", { monitoredErrors: ["a", 5] }, ["monitoredErrors[1]"]],
  ["no threshold", { failureThreshold: undefined }, ["failureThreshold"]],
])("refuses settings with %s", (_, config, paths) => {
  try {
    breakerNode(config as object);
  } catch (error) {
    expect(isConfigError(error) && error.problems.map(problem => problem.path)).toEqual(paths);
    return;
  }
  throw new Error("it is accepted");
});
