/**
 * A component that misbehaves, by its own code. One that never ends is not among these: JavaScript
 * cannot stop a run. Nor is a file that is no policy: the package holds its component, and what it
 * was made from is checked when it is made.
 */

import { describe, expect, it } from "vitest";
import { cores } from "../../src/generated/cores.js";
import { instantiate } from "../../src/generated/wiring.js";
import { isComponentError } from "../../src/index.js";
import { Runtime } from "../../src/runtime/index.js";
import { inlined } from "../../src/runtime/modules.js";
import { Refused } from "../../src/runtime/refused.js";
import { sourceOf } from "../../src/runtime/source.js";
import type { Instantiate } from "../../src/runtime/wiring.js";
import { NeverFits } from "../../src/strategies/rate-limiter/request.js";
import { limiters } from "../../src/strategies/rate-limiter/strategy.js";
import { Policy } from "../../src/strategy.js";
import { Entity } from "../../src/transaction/cells.js";
import { Transaction } from "../../src/transaction/transaction.js";
import { GROWS, TRAPS, withCode } from "../support/broken-component.js";

/** What the component says that it needs at most. */
const MAX_BYTES = 16 * 1_024 * 1_024;

/**
 * A runtime whose component's `try-acquire` does what the code does, and how much memory its
 * instances have.
 */
function broken(code: readonly number[]) {
  const memories: WebAssembly.Memory[] = [];
  const watching: Instantiate = (core, imports, instantiateCore, isUsable) => {
    const watched: typeof instantiateCore = (module, coreImports) => {
      const instance = instantiateCore(module, coreImports);
      const memory = instance.exports["memory"];
      if (memory instanceof WebAssembly.Memory) memories.push(memory);
      return instance;
    };
    return instantiate(core, imports, watched, isUsable);
  };
  const runtime = new Runtime(sourceOf(watching, inlined(withCode(code, cores))));
  return { runtime, memoryBytes: () => memories.map(memory => memory.buffer.byteLength) };
}

function asker(runtime: Runtime) {
  const window = { unit: "second", count: 1 } as const;
  const limits = [{ limit: 3, window, algorithm: { tag: "gcra", val: { burst: undefined } } }] as const;
  const policy = runtime.open(new Policy(limiters, { config: { limits, onLimit: { tag: "reject" } } }));
  if (policy instanceof Refused) throw new Error("it is valid");
  const entity = new Entity();
  return (kind: "tryAcquire" | "peek") => {
    const transaction = new Transaction();
    transaction.beginDirect(1_767_268_800_000_000, entity);
    const answer = runtime.run(policy, { kind, cost: 1 }, transaction);
    return answer instanceof NeverFits ? answer : answer.count;
  };
}

describe.each([
  ["traps", TRAPS],
  ["takes all memory", GROWS],
])("a component whose code %s", (_, code) => {
  it("is replaced and reported, charges nothing, and the next call runs", () => {
    const { runtime, memoryBytes } = broken(code);
    const ask = asker(runtime);
    for (const failures of [1, 2]) {
      let error: unknown;
      expect(() => {
        try {
          ask("tryAcquire");
        } catch (thrown) {
          error = thrown;
          throw thrown;
        }
      }).toThrow(/^the policy component trapped twice: .*unreachable/);
      expect(isComponentError(error)).toBe(true);
      expect(ask("peek")).toBe(0);
      expect(runtime.stats).toMatchObject({ traps: 2 * failures, retries: failures, failures });
      expect(runtime.stats.instantiated).toBeGreaterThan(runtime.stats.traps);
    }
    expect(Math.max(...memoryBytes())).toBeLessThanOrEqual(MAX_BYTES);
  });
});
