/**
 * The component as a module that is given, where none can be made: the same decisions, and one
 * clear error where it is another.
 */

import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { cores } from "../../src/generated/cores.js";
import { instantiate } from "../../src/generated/wiring.js";
import { ManualClock, Tidegate, useModule } from "../../src/module.js";
import { Runtime } from "../../src/runtime/index.js";
import { inlined } from "../../src/runtime/modules.js";
import { Refused } from "../../src/runtime/refused.js";
import { sourceOf } from "../../src/runtime/source.js";
import { limiters } from "../../src/strategies/rate-limiter/strategy.js";
import { Policy } from "../../src/strategy.js";
import { Entity } from "../../src/transaction/cells.js";
import { Transaction } from "../../src/transaction/transaction.js";

const core = new WebAssembly.Module(readFileSync(new URL("../../src/generated/core.wasm", import.meta.url)));
const given = sourceOf(instantiate, name => (name === "tidegate.core.wasm" ? core : undefined));
const taken = sourceOf(instantiate, inlined(cores));

/** What a limiter decides that is asked at these times, in microseconds. */
function decisions(runtime: Runtime, limit: number, times: readonly number[]): unknown[] {
  const window = { unit: "day", count: 300 } as const;
  const algorithm = { tag: "token-bucket", val: { burst: undefined } } as const;
  const policy = runtime.open(
    new Policy(limiters, { config: { limits: [{ limit, window, algorithm }], onLimit: { tag: "reject" } } }),
  );
  if (policy instanceof Refused) throw new Error(JSON.stringify(policy));
  const entity = new Entity();
  return times.map(nowUs => {
    const transaction = new Transaction();
    transaction.beginDirect(nowUs, entity);
    return runtime.run(policy, { kind: "tryAcquire", cost: 1 }, transaction);
  });
}

describe("a module that is given", () => {
  it("decides as that of the package does, also with numbers that need all that a double tells", () => {
    const time = fc.integer({ min: 2 ** 51, max: 2 ** 52 });
    const property = fc.property(fc.integer({ min: 1, max: 5 }), fc.array(time, { minLength: 1 }), (limit, times) => {
      const sorted = times.sort((a, b) => a - b);
      const [one, other] = [new Runtime(given), new Runtime(taken)];
      expect(decisions(one, limit, sorted)).toEqual(decisions(other, limit, sorted));
      expect(one.stats.traps).toBe(0);
    });
    fc.assert(property, { numRuns: 30 });
  });

  it("is refused where it is another or none", () => {
    const empty = new WebAssembly.Module(new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]));
    const allowed = "must be the WebAssembly.Module of tidegate/core.wasm, of this version of the package";
    expect(() => useModule(empty)).toThrow(`module is [object WebAssembly.Module], ${allowed}`);
    expect(() => useModule(Promise.resolve(core))).toThrow(`module is [object Promise], ${allowed}`);
    expect(() => useModule(undefined as unknown as object)).toThrow(`module is missing, ${allowed}`);
  });

  it("is what limiters are opened in from then on", async () => {
    useModule(core);
    vi.spyOn(WebAssembly, "Module").mockImplementation(() => {
      throw new Error("no module is made here");
    });
    const gate = new Tidegate({ clock: new ManualClock() });
    const limiter = gate.rateLimiter({ name: "api", limits: ["1/second"] });
    expect((await limiter.tryAcquire("me")).verdict).toBe("allowed");
    expect((await limiter.tryAcquire("me")).verdict).toBe("denied");
  });
});
