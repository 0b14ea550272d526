import { describe, expect, it } from "vitest";
import { cores } from "../../src/generated/cores.js";
import { instantiate } from "../../src/generated/wiring.js";
import { isComponentError } from "../../src/index.js";
import { Runtime } from "../../src/runtime/index.js";
import { inlined } from "../../src/runtime/modules.js";
import { Refused } from "../../src/runtime/refused.js";
import { type Source, sourceOf } from "../../src/runtime/source.js";
import type { Instantiate } from "../../src/runtime/wiring.js";
import type { Guest } from "../../src/strategies/guest.js";
import type { LimiterPolicy } from "../../src/strategies/rate-limiter/request.js";
import { NeverFits } from "../../src/strategies/rate-limiter/request.js";
import { limiters } from "../../src/strategies/rate-limiter/strategy.js";
import { Policy } from "../../src/strategy.js";
import { Entity } from "../../src/transaction/cells.js";
import { Transaction } from "../../src/transaction/transaction.js";

const real = sourceOf(instantiate, inlined(cores));

/**
 * The component, but the calls of these numbers trap half way: after the component has done its
 * work.
 */
function trapping(...calls: number[]): Source {
  let call = 0;
  return (imports, isUsable) => {
    const guest = real(imports, isUsable);
    const { Limiter } = guest.rateLimiter;
    const open: typeof Limiter.open = config => {
      const limiter = Limiter.open(config);
      const tryAcquire = limiter.tryAcquire.bind(limiter);
      limiter.tryAcquire = (entity, cost) => {
        const decision = tryAcquire(entity, cost);
        if (calls.includes(++call)) throw new WebAssembly.RuntimeError("unreachable");
        return decision;
      };
      return limiter;
    };
    return { ...guest, rateLimiter: { Limiter: { open } } };
  };
}

const window = { unit: "second", count: 1 } as const;

function openIn(runtime: Runtime): LimiterPolicy {
  const limits = [{ limit: 3, window, algorithm: { tag: "gcra", val: { burst: undefined } } }] as const;
  const policy = runtime.open(new Policy(limiters, { config: { limits, onLimit: { tag: "reject" } } }));
  if (policy instanceof Refused) throw new Error("it is valid");
  return policy;
}

function asker(runtime: Runtime, policy: LimiterPolicy) {
  const entity = new Entity();
  return () => {
    const transaction = new Transaction();
    transaction.beginDirect(1_767_268_800_000_000, entity);
    const answer = runtime.run(policy, { kind: "tryAcquire", cost: 1 }, transaction);
    return answer instanceof NeverFits ? answer : answer.remaining;
  };
}

describe("a component that traps", () => {
  it("is replaced, and the call is made once more, with nothing of the first try left", () => {
    const runtime = new Runtime(trapping(2));
    const ask = asker(runtime, openIn(runtime));
    expect([ask(), ask(), ask()]).toEqual([2, 1, 0]);
    expect(runtime.stats).toEqual({ instantiated: 2, traps: 1, retries: 1, failures: 0 });
  });

  it("ends in a typed error when it traps twice, and the calls after it go well", () => {
    const runtime = new Runtime(trapping(2, 3));
    const ask = asker(runtime, openIn(runtime));
    expect(ask()).toBe(2);
    expect(ask).toThrow(/^the policy component trapped twice: unreachable$/);
    expect(ask()).toBe(1);
    expect(runtime.stats).toEqual({ instantiated: 3, traps: 2, retries: 1, failures: 1 });
    const again = new Runtime(trapping(1, 2));
    expect(isComponentError(thrownBy(asker(again, openIn(again))))).toBe(true);
  });

  it("is replaced for all policies, which are opened again", () => {
    const runtime = new Runtime(trapping(2));
    const [one, two] = [asker(runtime, openIn(runtime)), asker(runtime, openIn(runtime))];
    expect([two(), one(), two(), one()]).toEqual([2, 2, 1, 1]);
  });
});

describe("a policy that is forgotten", () => {
  it("is freed in the component", async () => {
    let memory = 0;
    const counting: Instantiate = (core, imports, instantiateCore, isUsable) => {
      const counted: typeof instantiateCore = (module, coreImports) => {
        const instance = instantiateCore(module, coreImports);
        const held = instance.exports["memory"];
        if (held instanceof WebAssembly.Memory) grown = () => held.buffer.byteLength;
        return instance;
      };
      return instantiate(core, imports, counted, isUsable);
    };
    let grown = () => memory;
    const runtime = new Runtime(sourceOf(counting, inlined(cores)));
    const openMany = async () => {
      for (let round = 0; round < 15; round++) {
        for (let index = 0; index < 500; index++) openIn(runtime);
        globalThis.gc?.();
        await new Promise(resolve => setImmediate(resolve));
      }
    };
    await openMany();
    memory = grown();
    await openMany();
    // Kept, these policies would take a megabyte; when the collector comes is its own affair.
    expect(grown() - memory).toBeLessThan(256 * 1_024);
  });
});

function thrownBy(call: () => unknown): unknown {
  try {
    return call();
  } catch (error) {
    return error;
  }
}

it("gives a guest the time to the microsecond", () => {
  const seen: Guest[] = [];
  const runtime = new Runtime((imports, isUsable) => {
    const guest = real(imports, isUsable);
    seen.push(guest);
    return guest;
  });
  const transaction = new Transaction();
  transaction.beginDirect(1_767_268_800_123_457, new Entity());
  const answer = runtime.run(openIn(runtime), { kind: "peek", cost: 1 }, transaction);
  expect(answer).toMatchObject({ atUs: 1_767_268_800_123_457 });
  expect(seen).toHaveLength(1);
});
