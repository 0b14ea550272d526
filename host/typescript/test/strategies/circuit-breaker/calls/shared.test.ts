/** Guarded calls on a circuit that hosts share. */

import { beforeEach, expect, it } from "vitest";
import { type CircuitBreaker, isCallTimeoutError, isCircuitOpenError } from "../../../../src/index.js";
import { Fleet, type Host, settled } from "../../../away/fleet.js";
import { thrownBy } from "./support.js";

const CONFIG = { name: "c", trip: { consecutive: 2 }, openMs: 1_000, whenAway: "error" } as const;
const never = () => new Promise<never>(() => undefined);
const down = new Error("down");
const fail = () => Promise.reject(down);

let fleet: Fleet;
let hosts: [Host, Host];
let [here, there]: CircuitBreaker[] = [];

beforeEach(() => {
  fleet = new Fleet();
  hosts = [fleet.host(), fleet.host()];
  [here, there] = hosts.map(({ gate }) => gate.circuitBreaker(CONFIG));
});

function* line() {
  yield 1;
}

/** The circuits of both hosts. */
function both(): [CircuitBreaker, CircuitBreaker] {
  if (here === undefined || there === undefined) throw new Error("there are two");
  return [here, there];
}

async function halfOpen(): Promise<[CircuitBreaker, CircuitBreaker]> {
  const [one, other] = both();
  for (let calls = 0; calls < 2; calls++) await thrownBy(one.call(fail));
  await fleet.pass(1_000);
  return [one, other];
}

it("opens for all by calls that took too long", async () => {
  const [one, other] = both();
  for (let calls = 0; calls < 2; calls++) {
    const call = thrownBy(one.call(never, { timeoutMs: 100 }));
    await settled();
    await fleet.pass(100);
    expect(await call).toSatisfy(isCallTimeoutError);
  }
  expect(await thrownBy(other.call(() => 1))).toSatisfy(isCircuitOpenError);
});

it("lets another host probe when the one that did has lost interest", async () => {
  const [one, other] = await halfOpen();
  const controller = new AbortController();
  const probe = thrownBy(one.call(never, { signal: controller.signal }));
  await settled();
  expect(await other.admit()).toMatchObject({ effect: "refused-probes" });
  controller.abort("enough");
  expect(await probe).toBe("enough");
  await hosts[0].gate.flush();
  // For so long a host may refuse on what it has seen.
  await fleet.pass(100);
  expect(await other.call(() => "back")).toBe("back");
  expect(await one.status()).toMatchObject({ state: "closed" });
});

it("closes for all when a stream that was a probe has ended", async () => {
  const [one, other] = await halfOpen();
  async function* rows() {
    yield 1;
  }
  const work = await one.call(() => rows());
  expect(await other.admit()).toMatchObject({ effect: "refused-probes" });
  for await (const _row of work);
  expect(await other.status()).toMatchObject({ state: "closed" });
});

it("has what a generator came to when it is flushed", async () => {
  const [one, other] = await halfOpen();
  const all = await one.call(() => line());
  expect([...all]).toEqual([1]);
  await hosts[0].gate.flush();
  expect(await other.status()).toMatchObject({ state: "closed" });
});

it("takes a call within a probe for part of it", async () => {
  const [one, other] = await halfOpen();
  expect(await one.call(async () => settled().then(() => one.call(() => "within")))).toBe("within");
  expect(await other.status()).toMatchObject({ state: "closed" });
});

it("gives a caller what is its own when the store does not take the outcome", async () => {
  const [one] = both();
  const { gate, link } = hosts[0];
  const cut = <R>(work: () => R) => {
    link.isCut = true;
    return work();
  };
  expect(await thrownBy(one.call(() => cut(fail)))).toBe(down);
  link.isCut = false;
  expect(await one.call(() => cut(async () => "done"))).toBe("done");
  link.isCut = false;
  expect(gate.stats().lost).toBeGreaterThan(0);
  expect(await one.call(() => "on")).toBe("on");
});
