/**
 * The watch on a shared store: the component's own circuit breaker, on a memory of this host's
 * own.
 *
 * A call must not wait again and again for what is known to be away. So after a few failures in a
 * row nothing is sent any more but a probe, in the background, until one comes through. What is
 * counted are rounds: a hiccup fails all that is on its way at once, and is one failure however
 * much that is. A probe reads the store's clock and writes a cell that expires soon: a replica that
 * only reads, or a server without memory, answers the first and not the second.
 */

import type { Clock } from "../clock.js";
import { ConfigError, isMisuseError, type StoreError } from "../errors.js";
import type { EntityKey } from "../key.js";
import type { Problem } from "../problem.js";
import type { Runtime } from "../runtime/index.js";
import { Refused } from "../runtime/refused.js";
import { away, isOutage, timedOut } from "../store/errors.js";
import { Memory } from "../store/memory.js";
import { type Commit, changes, type Store } from "../store/store.js";
import { ADMIT, type BreakerPolicy, RESET, type Request } from "../strategies/circuit-breaker/request.js";
import { breakers } from "../strategies/circuit-breaker/strategy.js";
import type { CircuitPermit, WitBreakerConfig, WitReport } from "../strategies/circuit-breaker/wit.js";
import { Policy } from "../strategy.js";
import type { Transaction } from "../transaction/transaction.js";
import { tryOut, within } from "./probe.js";
import type { StoreChange, StoreState, StoreWatchOptions } from "./state.js";
import { SteadyTime } from "./steady.js";

/** How long {@link StoreWatch.ready} waits between two attempts, in milliseconds. */
const READY_PAUSE_MS = 50;

/** A part of the store that can be away by itself. */
class Shard {
  state: StoreState = "unknown";
  /**
   * Counts the rounds: what is sent from the first failure on that was known is of the next one.
   */
  round = 0;
  /**
   * Whether the circuit is closed and has counted nothing: a success changes nothing then, so it is
   * not asked.
   */
  isSteady = true;
  /** When the next probe is due, on the watch's clock. */
  retryAtUs = 0;
  /** The last failure. */
  failure: StoreError | undefined;

  constructor(readonly number: number) {}
}

/** What a watch is made of. */
export interface StoreWatchParts {
  readonly runtime: Runtime;
  readonly store: Store;
  readonly clock: Clock;
  /** `false`: no part is ever taken to be away. */
  readonly options?: StoreWatchOptions | false | undefined;
  /** Told of each change, when it has happened. */
  readonly changed: (change: StoreChange) => void;
}

/** Knows which parts of a store are away. */
export class StoreWatch {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #time: SteadyTime;
  readonly #runtime: Runtime;
  readonly #policy: BreakerPolicy;
  readonly #memory = new Memory();
  readonly #changed: (change: StoreChange) => void;
  readonly #shards: Shard[] = [];
  /** How many shards are away or being probed. */
  #away = 0;
  /** Whether any shard has answered. */
  #isHeard = false;
  /** How many operations were turned away. */
  turnedAway = 0;
  /** Whether a part of the store can be taken to be away. */
  readonly isOn: boolean;

  /** @throws {ConfigError} for options that are wrong */
  constructor({ runtime, store, clock, options, changed }: StoreWatchParts) {
    this.#store = store;
    this.#clock = clock;
    this.#time = new SteadyTime(clock);
    this.#runtime = runtime;
    this.#policy = opened(runtime, options || {});
    this.isOn = options !== false;
    this.#changed = changed;
    this.#listen();
  }

  /**
   * The connection may outlive all that depends on this watch. Only Workers have no weak
   * references, and they end soon.
   */
  #listen(): void {
    const self = typeof WeakRef === "undefined" ? { deref: () => this } : new WeakRef(this);
    this.#store.onRefused?.(error => self.deref()?.refused(error));
  }

  /** The state of the store: of its worst part. */
  get state(): StoreState {
    if (this.#away === 0) return this.#isHeard ? "available" : "unknown";
    return this.#shards.some(shard => shard?.state === "away") ? "away" : "probing";
  }

  /** Whether all of the store is available. */
  get isAllAvailable(): boolean {
    return this.#away === 0;
  }

  /** Which part of the store an entity is in. */
  shardOf(entity: EntityKey): number {
    return this.#store.shardOf?.(entity) ?? 0;
  }

  /** Whether operations on a part of the store are sent. */
  isAvailable(number: number): boolean {
    return this.#away === 0 || isAvailable(this.#of(number));
  }

  /** Whether an operation on a part of the store is turned away. It counts. */
  turnsAway(number: number): boolean {
    if (this.isAvailable(number)) return false;
    this.turnedAway++;
    return true;
  }

  /** Milliseconds until the next probe of a part; 0 where it is available or being probed. */
  retryAfterMs(number: number): number {
    const shard = this.#of(number);
    if (shard.state !== "away") return 0;
    return Math.max(Math.ceil((shard.retryAtUs - this.#time.nowUs()) / 1_000), 0);
  }

  /** Why an operation on a part of the store is not sent. */
  refusal(number: number): StoreError {
    const { failure } = this.#of(number);
    return away(`the store watch is open, after "${failure?.message ?? "nothing"}"`, failure);
  }

  /** Of which round what is sent now is. */
  roundOf(number: number): number {
    return this.#shards[number]?.round ?? 0;
  }

  /**
   * The store has answered; `applied` is what it has done. Whoever refuses to write reads all the
   * same, so a commit that only read proves nothing after that.
   */
  answered(number: number, applied: Commit | undefined): void {
    const shard = this.#of(number);
    if (shard.state === "unknown") this.#isThere(shard);
    if (applied === undefined || shard.isSteady || shard.state !== "available") return;
    if (shard.failure?.reason === "refused" && !changes(applied)) return;
    this.#count(shard, permit => ({ kind: "succeeded", permit, elapsedMs: 0 }));
  }

  /** An operation of a round has failed. */
  failed(number: number, error: unknown, round: number): void {
    const shard = this.#of(number);
    if (!this.isOn || !isOutage(error) || !isAvailable(shard) || round < shard.round) return;
    shard.failure = error;
    shard.round++;
    const report = this.#countFailure(shard);
    if (report.state !== "closed") this.#turnAway(shard, report);
  }

  /** Attempts to connect were refused, in a row: nobody is there. */
  refused(error: StoreError): void {
    const shard = this.#of(0);
    if (!this.isOn || !isAvailable(shard)) return;
    shard.failure = error;
    shard.round++;
    let report = this.#countFailure(shard);
    while (report.state === "closed") report = this.#countFailure(shard);
    this.#turnAway(shard, report);
  }

  /**
   * Resolves when the store does what a commit needs, or its first part where it has several;
   * rejects with what it failed with last when this many milliseconds are over.
   */
  async ready(timeoutMs: number): Promise<void> {
    const shard = this.#of(0);
    const isReady = () => shard.state === "available";
    const endUs = this.#time.nowUs() + timeoutMs * 1_000;
    let failure: StoreError | undefined;
    while (!isReady()) {
      const leftMs = (endUs - this.#time.nowUs()) / 1_000;
      if (leftMs <= 0) throw failure ?? timedOut(timeoutMs);
      const found = await within(this.#clock, leftMs, tryOut(this.#store, this.#clock, 0));
      if (found === undefined) this.#welcome(shard);
      // Waiting does not help whoever has made a mistake.
      if (isMisuseError(found?.cause)) throw found.cause;
      // That the time is over says less than what came before.
      failure = found?.reason === "timed-out" ? (failure ?? found) : found;
      if (!isReady()) await pause(this.#clock, READY_PAUSE_MS);
    }
  }

  #of(number: number): Shard {
    let shard = this.#shards[number];
    if (shard === undefined) {
      shard = new Shard(number);
      this.#shards[number] = shard;
    }
    return shard;
  }

  #isThere(shard: Shard): void {
    shard.state = "available";
    this.#isHeard = true;
  }

  #countFailure(shard: Shard): WitReport {
    return this.#count(shard, permit => ({ kind: "failed", permit, elapsedMs: 0, errors: [] }));
  }

  /** Counts an outcome of an available part. */
  #count(shard: Shard, outcome: (permit: CircuitPermit) => Request): WitReport {
    const admitted = this.#ask(shard, ADMIT);
    const report = admitted.effect === "admitted" ? this.#ask(shard, outcome(admitted.permit)) : admitted;
    shard.isSteady = report.state === "closed" && report.consecutive === 0;
    return report;
  }

  #ask(shard: Shard, request: Request): WitReport {
    const run = (policy: BreakerPolicy, request: Request, transaction: Transaction) =>
      this.#runtime.run(policy, request, transaction);
    return this.#memory.run(`watch:${shard.number}`, this.#time.nowUs(), run, this.#policy, request);
  }

  #turn(shard: Shard, after: StoreState, cause: string): void {
    const before = shard.state;
    if (isAvailable(shard)) this.#away++;
    shard.state = after;
    if (after === "available") {
      this.#away--;
      this.#isHeard = true;
    }
    this.#changed({ before, after, cause, shard: shard.number });
  }

  /** Nothing is sent until a probe comes through. */
  #turnAway(shard: Shard, { retryAfterMs }: WitReport): void {
    // A circuit that is half-open by the time it is asked is to be probed at once, but not in a
    // loop.
    const waitMs = Math.max(retryAfterMs, 1);
    shard.retryAtUs = this.#time.nowUs() + waitMs * 1_000;
    this.#turn(shard, "away", shard.failure?.message ?? "");
    this.#clock.after(waitMs, () => void this.#probe(shard), true);
  }

  async #probe(shard: Shard): Promise<void> {
    // Somebody else has found out meanwhile that the store is back.
    if (shard.state !== "away") return;
    const report = this.#ask(shard, ADMIT);
    if (report.effect !== "admitted") {
      // The clock has not come as far as the timer.
      this.#clock.after(Math.max(report.retryAfterMs, 1), () => void this.#probe(shard), true);
      return;
    }
    this.#turn(shard, "probing", "its time to be probed has come");
    const failure = await tryOut(this.#store, this.#clock, shard.number);
    const permit = { permit: report.permit, elapsedMs: 0 };
    if (failure === undefined) {
      this.#ask(shard, { kind: "succeeded", ...permit });
      shard.isSteady = true;
      this.#turn(shard, "available", "a probe came through");
    } else {
      shard.failure = failure;
      this.#turnAway(shard, this.#ask(shard, { kind: "failed", ...permit, errors: [] }));
    }
  }

  /** The store does what a commit needs, whatever was thought of it. */
  #welcome(shard: Shard): void {
    if (shard.state === "unknown") this.#isThere(shard);
    if (shard.state !== "away") return;
    this.#ask(shard, RESET);
    shard.isSteady = true;
    this.#turn(shard, "available", "it was asked whether it is ready");
  }
}

/** Whether operations are sent to a shard. */
function isAvailable({ state }: Shard): boolean {
  return state === "available" || state === "unknown";
}

function opened(runtime: Runtime, { failures = 3, openMs = 500, capMs }: StoreWatchOptions): BreakerPolicy {
  const config: WitBreakerConfig = {
    trip: {
      failures: undefined,
      consecutive: failures,
      failureRate: undefined,
      slowRate: undefined,
      sample: { tag: "calls", val: 1 },
      minimumCalls: 1,
    },
    openMs,
    backoff: { factor: 2, capMs: capMs ?? Math.max(openMs, 5_000) },
    halfOpen: { probes: 1, successes: 1, permitMs: 86_400_000, rule: { tag: "first-failure" } },
    monitored: [],
    others: "ignored",
    ignored: [],
    mode: "normal",
  };
  const policy = runtime.open(new Policy(breakers, config));
  if (policy instanceof Refused) throw new ConfigError("the gate", policy.problems.map(named));
  return policy;
}

function pause(clock: Clock, ms: number): Promise<void> {
  return new Promise(resolve => void clock.after(ms, resolve));
}

/** What is wrong with the settings, by the names that they have here. */
function named({ path, value, allowed }: Problem): Problem {
  const names: Readonly<Record<string, string>> = {
    "trip.consecutive": "storeWatch.failures",
    "open-ms": "storeWatch.openMs",
    "backoff.cap-ms": "storeWatch.capMs",
  };
  return { path: names[path] ?? path, value, allowed };
}
