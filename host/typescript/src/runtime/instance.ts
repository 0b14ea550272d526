/** One instance of the component, with the imports that it is wired to. */

import type { Guest } from "../strategies/guest.js";
import type { Policy, Types } from "../strategy.js";
import type { Datetime, Imports, Kv } from "./imports.js";
import type { Source } from "./source.js";
import type { World } from "./world.js";

/** What an instance sees outside of a run: nothing. */
const NOWHERE: World = {
  nowUs: 0,
  strayed: false,
  number: 0,
  startRun() {},
  rollbackRun() {},
  get: () => undefined,
  observe: () => undefined,
  put() {},
  advance: () => false,
  retreat: (_at, _step, floor) => floor,
  raise: (_at, to) => to,
  refusedMs: 0,
};

/** An instance. Which world it sees is set for each run. */
export class Instance {
  /** What the imports answer from. */
  world: World = NOWHERE;
  /** Whether it may still be called: one that trapped may not. */
  isUsable = true;
  readonly #guest: Guest;

  constructor(source: Source) {
    this.#guest = source(this.#imports(), () => this.isUsable);
  }

  /**
   * What a policy is here: it is opened now at the latest, which checks its configuration. Throws
   * what the component answers.
   */
  resource<T extends Types>(policy: Policy<T>): T["resource"] {
    const { resource: open } = policy;
    return open !== undefined && policy.instance === this ? open : this.#open(policy);
  }

  /** The nodes as data, JSON text. */
  registry(): string {
    return this.#guest.nodes.registry();
  }

  #open<T extends Types>(policy: Policy<T>): T["resource"] {
    const resource = policy.strategy.open(this.#guest, policy.config);
    policy.instance = this;
    policy.resource = resource;
    return resource;
  }

  /** Nothing here throws, and nothing is allocated that can be kept: the time is one object. */
  #imports(): Imports {
    const time: Datetime = { seconds: 0, nanoseconds: 0 };
    const kv: Kv = {
      number: 0,
      get: at => this.world.get(at),
      observe: at => this.world.observe(at),
      put: (at, value, ttlMs) => this.world.put(at, value, ttlMs),
      advance: (at, step, floor, ceiling, ttlMs) => {
        const { world } = this;
        const fits = world.advance(at, step, floor, ceiling, ttlMs);
        kv.number = world.number;
        return fits;
      },
      retreat: (at, step, floor) => this.world.retreat(at, step, floor),
      raise: (at, to, ttlMs) => this.world.raise(at, to, ttlMs),
      refusedMs: () => this.world.refusedMs,
    };
    const clock = {
      now: () => {
        const { nowUs } = this.world;
        time.seconds = Math.floor(nowUs / 1_000_000);
        time.nanoseconds = (nowUs - time.seconds * 1_000_000) * 1_000;
        return time;
      },
      resolution: () => ({ seconds: 0, nanoseconds: 1_000 }),
    };
    return {
      "tidegate:policy/kv": kv,
      "tidegate:policy/kv@0.1.0": kv,
      "wasi:clocks/wall-clock": clock,
      "wasi:clocks/wall-clock@0.2.4": clock,
    };
  }
}

export { NOWHERE };
