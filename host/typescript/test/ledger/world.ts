/**
 * Hosts on one memory store, over a link that can be held up or made to fail. Each host has a clock
 * of its own.
 */

import { ManualClock } from "../../src/clock.js";
import type { StoreError } from "../../src/errors.js";
import { EntityKey } from "../../src/key.js";
import { Ledger } from "../../src/ledger/ledger.js";
import type { LedgerOptions } from "../../src/ledger/options.js";
import type { Run } from "../../src/ledger/runs.js";
import { Runtime } from "../../src/runtime/index.js";
import { Refused } from "../../src/runtime/refused.js";
import type { Signal } from "../../src/signal.js";
import { away, refused } from "../../src/store/errors.js";
import { Memory } from "../../src/store/memory.js";
import { MemoryStore } from "../../src/store/memory-store.js";
import { type Commit, changes, type Reply, type Store } from "../../src/store/store.js";
import type { BreakerPolicy, Request as CircuitRequest } from "../../src/strategies/circuit-breaker/request.js";
import { breakers } from "../../src/strategies/circuit-breaker/strategy.js";
import type { WitBreakerConfig, WitReport } from "../../src/strategies/circuit-breaker/wit.js";
import {
  type Decided,
  type DecisionRequest,
  type LimiterPolicy,
  NeverFits,
} from "../../src/strategies/rate-limiter/request.js";
import { limiters } from "../../src/strategies/rate-limiter/strategy.js";
import type {
  WitAlgorithm,
  WitDecision,
  WitLimit,
  WitLimiterConfig,
  WitOnLimit,
} from "../../src/strategies/rate-limiter/wit.js";
import { Policy, type Types } from "../../src/strategy.js";

const runtime = Runtime.shared;
export const run: Run = (policy, request, transaction) => runtime.run(policy, request, transaction);

/**
 * What can befall a commit on its way: the store says that it knows better, it cannot be reached,
 * or it only reads.
 */
export type Fault = "refuse" | "away" | "read-only";

/** The way to the store. */
export class Link implements Store {
  readonly #store: Store;
  #gate: Promise<void> = Promise.resolve();
  #faults: Fault[] = [];
  /** Commits that have set out. */
  commits: Commit[] = [];
  /** Nothing comes through, to the parts of the store that it says: all, unless set otherwise. */
  isCut = false;
  isCutTo: (shard: number) => boolean = () => true;
  /** How long one operation may take. It is for the host to keep: this link has no clock. */
  timeoutMs?: number;
  /** Which part of the store an entity is in. */
  shardOf: (entity: EntityKey) => number = () => 0;

  constructor(store: Store) {
    this.#store = store;
  }

  /** Nothing gets through until what this returns is called. */
  hold(): () => void {
    let release: () => void = () => undefined;
    this.#gate = new Promise(resolve => {
      release = resolve;
    });
    return release;
  }

  /** The next this many commits fail. */
  failNext(count: number, fault: Fault): void {
    this.#faults = Array.from({ length: count }, () => fault);
  }

  /** The next commits fail so, one after the other. */
  failInTurn(...faults: Fault[]): void {
    this.#faults = faults.reverse();
  }

  /** Who is told of refused attempts to connect. */
  #told: ((error: StoreError) => void)[] = [];

  onRefused(tell: (error: StoreError) => void): void {
    this.#told.push(tell);
  }

  /** Nobody is there. */
  refuse(error: StoreError): void {
    for (const tell of this.#told) tell(error);
  }

  async commit(commit: Commit): Promise<Reply> {
    // The store reads a commit when it is given, and the link is long.
    const copy = structuredClone({ atUs: commit.atUs, cells: commit.cells, ops: commit.ops });
    this.commits.push({ ...copy, entities: commit.entities });
    await this.#gate;
    this.#passCut(commit.entities[0]);
    const fault = this.#faults.pop();
    if (fault === "away") throw away("the link is cut");
    if (fault === "read-only" && changes(commit)) throw refused("READONLY");
    if (fault === "refuse") {
      const values = commit.cells.map(() => undefined);
      return { outcome: { kind: "refused", values }, clockUs: await this.#store.timeUs(), foreign: 0 };
    }
    return this.#store.commit({ ...copy, entities: commit.entities });
  }

  async timeUs(of?: EntityKey): Promise<number> {
    await this.#gate;
    this.#passCut(of);
    return this.#store.timeUs();
  }

  #passCut(entity: EntityKey | undefined): void {
    if (this.isCut && entity !== undefined && this.isCutTo(this.shardOf(entity))) throw away("the link is cut");
  }

  isAtomicOver(): boolean {
    return true;
  }
}

/** A host: a ledger with a clock of its own. */
export class Host {
  readonly ledger: Ledger;

  constructor(
    store: Store,
    readonly clock: ManualClock,
    options: LedgerOptions = {},
  ) {
    this.ledger = new Ledger({ run, store, clock, options });
  }

  /** Sets the host's clock forward, or back. */
  jump(ms: number): void {
    this.clock.setUs(this.clock.nowUs() + ms * 1_000);
  }

  async decide(policy: LimiterPolicy, request: DecisionRequest, key = "k", signal?: Signal): Promise<WitDecision> {
    return decision(await this.ledger.call(EntityKey.of("rl", "api", key), policy, request, signal));
  }

  async report(policy: BreakerPolicy, request: CircuitRequest, key = "c"): Promise<WitReport> {
    return this.ledger.call(EntityKey.of("cb", "api", key), policy, request);
  }

  async record(policy: BreakerPolicy, request: CircuitRequest, key = "c"): Promise<WitReport> {
    return this.ledger.record(EntityKey.of("cb", "api", key), policy, request);
  }
}

/** A store with its clock, the way to it, and hosts. */
export class World {
  readonly clock = new ManualClock();
  readonly link = new Link(new MemoryStore(new Memory(), this.clock));
  readonly #hosts: Host[] = [];

  host(options: LedgerOptions = {}, offByMs = 0): Host {
    const host = new Host(this.link, new ManualClock(this.clock.nowUs() + offByMs * 1_000), options);
    this.#hosts.push(host);
    return host;
  }

  /** How many wait for a time to come. */
  get sleepers(): number {
    return this.#hosts.reduce((sum, { clock }) => sum + clock.sleepers, 0);
  }

  /** Lets time pass for the store and all hosts. */
  pass(ms: number): void {
    this.clock.advanceMs(ms);
    for (const host of this.#hosts) host.clock.advanceMs(ms);
  }
}

export function decision(answer: Decided): WitDecision {
  if (answer instanceof NeverFits) throw new Error(`no decision: ${JSON.stringify(answer)}`);
  return answer;
}

/** All algorithms. */
export const ALGORITHMS: WitAlgorithm[] = [
  { tag: "sliding-window", val: { subWindows: 64 } },
  { tag: "gcra", val: { burst: undefined } },
  { tag: "token-bucket", val: { burst: 8 } },
  { tag: "fixed-window" },
  { tag: "sliding-window-counter" },
  { tag: "sliding-log" },
];

export function limit(limit: number, unit: WitLimit["window"]["unit"], algorithm = ALGORITHMS[0]): WitLimit {
  if (algorithm === undefined) throw new Error("there is such an algorithm");
  return { limit, window: { unit, count: 1 }, algorithm };
}

export function limiter(
  limits: WitLimit[],
  onLimit: WitOnLimit = { tag: "reject" },
  lease?: WitLimiterConfig["lease"],
): LimiterPolicy {
  return accepted(runtime.open(new Policy(limiters, { config: { limits, onLimit, lease } })));
}

export function breaker(trip: Partial<WitBreakerConfig["trip"]>): BreakerPolicy {
  const none = { failures: undefined, consecutive: undefined, failureRate: undefined, slowRate: undefined };
  return accepted(
    runtime.open(
      new Policy(breakers, {
        trip: { ...none, sample: { tag: "window-ms", val: 60_000 }, minimumCalls: 10, ...trip },
        openMs: 5_000,
        backoff: undefined,
        halfOpen: { probes: 1, successes: 1, permitMs: 10_000, rule: { tag: "first-failure" } },
        monitored: [],
        others: "ignored",
        ignored: [],
        mode: "normal",
      }),
    ),
  );
}

function accepted<T extends Types>(policy: Policy<T> | Refused): Policy<T> {
  if (policy instanceof Refused) throw new Error(JSON.stringify(policy.problems));
  return policy;
}

export const tryAcquire = (cost = 1): DecisionRequest => ({ kind: "tryAcquire", cost });
export const acquire = (cost = 1, ticket = 0): DecisionRequest => ({ kind: "acquire", cost, priority: 0, ticket });
export const peek = (cost = 1): DecisionRequest => ({ kind: "peek", cost });
export const refund = (cost: number, chargedAtUs: number, fullAtUs = 0): DecisionRequest => ({
  kind: "refund",
  cost,
  chargedAtUs,
  fullAtUs,
});
