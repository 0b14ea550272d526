/**
 * Hosts on one memory store, over a link that can be held up or made to fail. Each host has a clock
 * of its own.
 */

import type { Answer, Request, WitDecision, WitReport } from "../../src/call.js";
import { ManualClock } from "../../src/clock.js";
import type { StoreError } from "../../src/errors.js";
import { EntityKey } from "../../src/key.js";
import { Ledger, type LedgerOptions } from "../../src/ledger/ledger.js";
import type {
  WitAlgorithm,
  WitBreakerConfig,
  WitLimit,
  WitLimiterConfig,
  WitOnLimit,
} from "../../src/runtime/guest.js";
import { type Policy, Refused, Runtime } from "../../src/runtime/index.js";
import type { Signal } from "../../src/signal.js";
import { away, refused } from "../../src/store/errors.js";
import { Memory } from "../../src/store/memory.js";
import { MemoryStore } from "../../src/store/memory-store.js";
import { type Commit, changes, type Reply, type Store } from "../../src/store/store.js";

const runtime = Runtime.shared;
export const run = runtime.run.bind(runtime);

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

  async decide(policy: Policy, request: Request, key = "k", signal?: Signal): Promise<WitDecision> {
    return decision(await this.ledger.call(EntityKey.of("rl", "api", key), policy, request, signal));
  }

  async report(policy: Policy, request: Request, key = "c"): Promise<WitReport> {
    return report(await this.ledger.call(EntityKey.of("cb", "api", key), policy, request));
  }

  async record(policy: Policy, request: Request, key = "c"): Promise<WitReport> {
    return report(await this.ledger.record(EntityKey.of("cb", "api", key), policy, request));
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

export function decision(answer: Answer): WitDecision {
  if (answer.kind !== "decision") throw new Error(`no decision: ${JSON.stringify(answer)}`);
  return answer.decision;
}

function report(answer: Answer): WitReport {
  if (answer.kind !== "report") throw new Error(`no report: ${JSON.stringify(answer)}`);
  return answer.report;
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
): Policy {
  return accepted(runtime.openLimiter({ limits, onLimit, lease }));
}

export function breaker(trip: Partial<WitBreakerConfig["trip"]>): Policy {
  const none = { failures: undefined, consecutive: undefined, failureRate: undefined, slowRate: undefined };
  return accepted(
    runtime.openBreaker({
      trip: { ...none, sample: { tag: "window-ms", val: 60_000 }, minimumCalls: 10, ...trip },
      openMs: 5_000,
      backoff: undefined,
      halfOpen: { probes: 1, successes: 1, permitMs: 10_000, rule: { tag: "first-failure" } },
      monitored: [],
      others: "ignored",
      ignored: [],
      mode: "normal",
    }),
  );
}

function accepted(policy: Policy | Refused): Policy {
  if (policy instanceof Refused) throw new Error(JSON.stringify(policy.problems));
  return policy;
}

export const tryAcquire = (cost = 1): Request => ({ kind: "tryAcquire", cost });
export const acquire = (cost = 1, ticket = 0): Request => ({ kind: "acquire", cost, priority: 0, ticket });
export const peek = (cost = 1): Request => ({ kind: "peek", cost });
export const refund = (cost: number, chargedAtUs: number, fullAtUs = 0): Request => ({
  kind: "refund",
  cost,
  chargedAtUs,
  fullAtUs,
});
