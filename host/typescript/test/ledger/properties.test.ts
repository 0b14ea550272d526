/** Ledgers against the memory store. A failure prints the seed and path that replay it. */

import fc from "fast-check";
import { expect, test } from "vitest";
import { EntityKey } from "../../src/key.js";
import { Memory } from "../../src/store/memory.js";
import type { Decided, DecisionRequest } from "../../src/strategies/rate-limiter/request.js";
import type { WitDecision, WitOnLimit } from "../../src/strategies/rate-limiter/wit.js";
import { ALGORITHMS, acquire, decision, limit, limiter, peek, refund, run, tryAcquire, World } from "./world.js";

/** A step of a script: who calls, for what, and how much time passes before. */
interface Step {
  readonly host: number;
  readonly call: number;
  readonly cost: number;
  readonly passMs: number;
}

const step: fc.Arbitrary<Step> = fc.record({
  host: fc.nat(2),
  call: fc.nat(7),
  cost: fc.integer({ min: 1, max: 3 }),
  passMs: fc.oneof(
    { weight: 3, arbitrary: fc.constant(0) },
    { weight: 2, arbitrary: fc.nat(149) },
    { weight: 1, arbitrary: fc.nat(2_999) },
  ),
});

const onLimit = fc.constantFrom<WitOnLimit>(
  { tag: "reject" },
  { tag: "delay", val: { maxWaitMs: 3_000 } },
  { tag: "queue", val: { maxSize: 4, timeoutMs: 5_000, graceMs: 1_000 } },
);

const ENTITY = EntityKey.of("rl", "api", "k");

/** The next call of a script, given what earlier ones were told. */
class Script {
  readonly #tickets: { cost: number; ticket: number }[] = [];
  readonly #charged: { cost: number; chargedAtUs: number; fullAtUs: number }[] = [];

  next({ call, cost }: Step): DecisionRequest {
    if (call === 0) return tryAcquire(cost);
    if (call === 1) return peek(cost);
    const waiter = call === 2 ? this.#tickets.shift() : undefined;
    if (waiter !== undefined) return acquire(waiter.cost, waiter.ticket);
    const charge = call === 3 ? this.#charged.shift() : undefined;
    return charge === undefined ? acquire(cost) : refund(charge.cost, charge.chargedAtUs, charge.fullAtUs);
  }

  told(request: DecisionRequest, { ticket, chargedAtUs, fullAtUs }: WitDecision): void {
    if (!("cost" in request)) return;
    if (ticket !== 0) this.#tickets.push({ cost: request.cost, ticket });
    else if (chargedAtUs !== 0) this.#charged.push({ cost: request.cost, chargedAtUs, fullAtUs });
  }
}

test("three hosts, each knowing only what it last saw, decide just as one memory store does", async () => {
  const algorithm = fc.constantFrom(...ALGORITHMS);
  const steps = fc.array(step, { minLength: 1, maxLength: 60 });
  await fc.assert(
    fc.asyncProperty(algorithm, onLimit, steps, async (algorithm, onLimit, steps) => {
      const policy = limiter([limit(5, "second", algorithm), limit(40, "minute")], onLimit);
      const world = new World();
      // A refund by another host is to be seen at once.
      const hosts = [0, 1, 2].map(() => world.host({ maxStalenessMs: 0 }));
      const alone = new Memory();
      const script = new Script();
      for (const step of steps) {
        world.pass(step.passMs);
        const request = script.next(step);
        const there = await hosts[step.host]?.decide(policy, request);
        const here = decision(alone.run(ENTITY.tag, world.clock.nowUs(), run, policy, request) as Decided);
        expect(there).toEqual(here);
        script.told(request, here);
      }
      for (const host of hosts) expect(host.ledger.stats().diverged).toBe(0);
    }),
    { numRuns: 150 },
  );
}, 120_000);

test("calls of many hosts that meet in any order are decided as if one after the other", async () => {
  const algorithm = fc.constantFrom(...ALGORITHMS);
  const rounds = fc.array(fc.array(step, { minLength: 1, maxLength: 12 }), { minLength: 1, maxLength: 8 });
  await fc.assert(
    fc.asyncProperty(algorithm, rounds, async (algorithm, rounds) => {
      const policy = limiter([limit(9, "second", algorithm)]);
      const world = new World();
      const hosts = [0, 1, 2].map(() => world.host());
      const alone = new Memory();
      for (const round of rounds) {
        world.pass(round[0]?.passMs ?? 0);
        const release = world.link.hold();
        // All of cost 1, so that in whatever order they go, as many are let through.
        const calls = round.map(step => hosts[step.host]?.decide(policy, tryAcquire()));
        release();
        const there = (await Promise.all(calls)).map(decision => decision?.verdict);
        const here = round.map(
          () => decision(alone.run(ENTITY.tag, world.clock.nowUs(), run, policy, tryAcquire()) as Decided).verdict,
        );
        expect(there.sort()).toEqual(here.sort());
      }
      for (const host of hosts) expect(host.ledger.stats().diverged).toBe(0);
    }),
    { numRuns: 150 },
  );
}, 120_000);
