/** Circuit breaker nodes while the store is away: this host's own circuit answers. */

import { describe, expect, test } from "vitest";
import { Fleet, takeAway } from "../away/fleet.js";

const PAYMENTS = {
  circuitId: "payments",
  failureThreshold: 2,
  failureWindowMs: 10_000,
  successThreshold: 1,
  halfOpenTimeoutMs: 5_000,
  fallbackAction: "error",
  monitoredErrors: ["no answer"],
} as const;
const NO_ANSWER = new Error("no answer");

async function away() {
  const fleet = new Fleet();
  const host = fleet.host();
  const node = host.gate.circuitBreakerNode(PAYMENTS);
  const admitted = await node.admit();
  await takeAway(host);
  const back = async () => {
    host.link.isCut = false;
    await fleet.pass(500);
  };
  return { fleet, ...host, node, admitted, back };
}

describe("a circuit breaker node without its store", () => {
  test("admits, opens and refuses by this host's own state", async () => {
    const { node, gate } = await away();
    const first = await node.execute();
    expect(first).toMatchObject({ result: { allowed: true }, report: { degraded: true } });
    expect(first.token).toMatch(/^away:./);
    await node.failed(NO_ANSWER, first.token);
    const { token } = await node.execute();
    expect((await node.failed(NO_ANSWER, token)).report).toMatchObject({ state: "open", degraded: true });
    await expect(node.execute()).rejects.toMatchObject({ code: "circuit-open" });
    expect((await node.status()).report).toMatchObject({ state: "open", degraded: true });
    expect(gate.stats().degraded).toBeGreaterThan(0);
  });

  test("is one circuit with a breaker of its name", async () => {
    const { node, gate } = await away();
    for (let call = 0; call < 2; call++) await node.failed(NO_ANSWER, (await node.admit()).token);
    const breaker = gate.circuitBreaker({ name: "payments", trip: { failures: { count: 2, withinMs: 10_000 } } });
    expect(await breaker.admit()).toMatchObject({ effect: "refused-open", degraded: true });
  });

  test("guards calls, and takes outcomes of those who kept no token", async () => {
    const { gate } = await away();
    const pay = () => Promise.reject(NO_ANSWER);
    await expect(gate.withCircuitBreaker(PAYMENTS, {}, pay)).rejects.toBe(NO_ANSWER);
    expect((await gate.recordCircuitFailure("payments", PAYMENTS, NO_ANSWER)).circuitState).toBe("open");
    await expect(gate.withCircuitBreaker(PAYMENTS, {}, pay)).rejects.toMatchObject({ code: "circuit-open" });
  });

  test("counts what it admitted itself nowhere else, also when the store is back", async () => {
    const { node, back } = await away();
    const own = await node.admit();
    await back();
    await node.failed(NO_ANSWER, own.token);
    expect((await node.status()).report).toMatchObject({ failures: 0, degraded: false });
  });

  test("sends the outcome of what the store admitted when it is back", async () => {
    const { node, admitted, gate, back } = await away();
    expect((await node.failed(NO_ANSWER, admitted.token)).report).toMatchObject({ failures: 1, degraded: true });
    await back();
    expect((await node.status()).report).toMatchObject({ failures: 1, degraded: false });
    expect(gate.stats().lost).toBe(0);
  });

  test("takes an outcome that was on its way as lost", async () => {
    const fleet = new Fleet();
    const { gate, link } = fleet.host();
    const node = gate.circuitBreakerNode(PAYMENTS);
    const { token } = await node.admit();
    link.isCut = true;
    expect((await node.failed(NO_ANSWER, token)).report).toMatchObject({ failures: 1, degraded: true });
    expect(gate.stats().lost).toBe(1);
  });

  test("takes no token that is none", async () => {
    const { node } = await away();
    await expect(node.succeeded("away:nonsense")).rejects.toMatchObject({ code: "input" });
  });
});
