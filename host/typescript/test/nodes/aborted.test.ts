/** Calls that are given up while their step is on its way to a store. */

import { describe, expect, it } from "vitest";
import { ManualClock, Memory, type Store, Tidegate } from "../../src/index.js";
import { MemoryStore } from "../../src/store/memory-store.js";

const CONFIG = { limit: 3, window: "hour", keyType: "global", behavior: "delay", queueTimeoutMs: 80_000_000 } as const;

/** A store that says when a commit is on its way, before it is applied. */
function gateOn(onCommit: () => void) {
  const clock = new ManualClock();
  const inner = new MemoryStore(new Memory(), clock);
  const store: Store = {
    commit: async commit => {
      onCommit();
      return inner.commit(commit);
    },
    timeUs: () => inner.timeUs(),
    isAtomicOver: () => true,
  };
  return { clock, gate: new Tidegate({ store, clock }) };
}

/** Runs until a call has begun to wait for the clock. */
async function asleep(clock: ManualClock): Promise<void> {
  for (let turn = 0; turn < 1_000 && clock.sleepers === 0; turn++) await new Promise(resolve => setImmediate(resolve));
  expect(clock.sleepers).toBe(1);
}

describe("a call that is aborted while its step is on its way", () => {
  it("gives back its first place", async () => {
    const aborter = new AbortController();
    let isSent = false;
    const { gate } = gateOn(() => {
      if (isSent) aborter.abort(new Error("enough"));
    });
    const node = gate.rateLimiterNode(CONFIG);
    for (let calls = 0; calls < 2; calls++) await node.execute({});
    isSent = true;
    await expect(node.execute({}, { signal: aborter.signal })).rejects.toThrow("enough");
    await gate.flush();
    expect(await node.begin({})).toMatchObject({ done: true, result: { passed: true, currentCount: 3 } });
  });

  it("gives back a place that it has waited for, and that one only once", async () => {
    const aborter = new AbortController();
    let isLast = false;
    const { clock, gate } = gateOn(() => {
      if (isLast) aborter.abort(new Error("enough"));
    });
    const node = gate.rateLimiterNode(CONFIG);
    for (let calls = 0; calls < 3; calls++) await node.execute({});
    // Two places are reserved for the time when those three have left the window.
    const call = node.execute({}, { signal: aborter.signal });
    await asleep(clock);
    const other = await node.begin({});
    if (other.done) throw new Error("it is over the limit");
    isLast = true;
    clock.advanceMs(other.waitMs);
    await expect(call).rejects.toThrow("enough");
    isLast = false;
    await gate.flush();
    expect(await node.step({}, other.token)).toMatchObject({ done: true, result: { passed: true, currentCount: 1 } });
  });
});
