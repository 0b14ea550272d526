/**
 * The ledger: runs a policy on what is known of an entity, commits the log of the run, and runs
 * again where the store knew better. See ARCHITECTURE.md for the protocol. It names no strategy:
 * what it may know of one is in `strategy.ts`.
 *
 * Invariants: a caller is answered only from a run that the store has confirmed, but for outcomes
 * that the policy itself lets settle later, and refusals that what was confirmed of late proves. A
 * call whose caller has gone away is undone. Every call ends after a bounded number of commits.
 *
 * Its parts, from a call's beginning to its end: `local.ts` answers without the store, `lanes.ts`
 * is where calls wait, `turns.ts` and `driver.ts` take a lane's batches to the store,
 * `commits.ts` and `runs.ts` run and commit them, `endings.ts` gives the answers. In the
 * background, `settler.ts` settles outcomes, `leases.ts` gives leases back, and `repayments.ts`
 * charges what was let go while the store was away.
 */

import type { StoreChange, StoreListener, StoreState } from "../away/state.js";
import { StoreWatch } from "../away/watch.js";
import type { Clock } from "../clock.js";
import { OverloadedError } from "../errors.js";
import type { EntityKey } from "../key.js";
import { Runtime } from "../runtime/index.js";
import type { Signal } from "../signal.js";
import type { Store } from "../store/store.js";
import type { AnswerTo, AnyPolicy, AnyRequest, Owed, Policy, Types } from "../strategy.js";
import { tell } from "../tell.js";
import { Commits } from "./commits.js";
import { type GiveWay, giveWay } from "./contention.js";
import { Driver } from "./driver.js";
import { Endings } from "./endings.js";
import { Call, type Lane, Lanes } from "./lanes.js";
import { Leases } from "./leases.js";
import { Local } from "./local.js";
import { Notes } from "./notes.js";
import { Offset } from "./offset.js";
import { type LedgerOptions, type Settings, settingsOf } from "./options.js";
import { Pace } from "./pace.js";
import { Repayments } from "./repayments.js";
import { type Run, Runs } from "./runs.js";
import { Settler } from "./settler.js";
import { type LedgerStats, newStats } from "./stats.js";
import { inTime } from "./timed.js";

declare function queueMicrotask(work: () => void): void;

/** What a ledger is made of. */
export interface LedgerParts {
  /** Runs a policy on a transaction. A run that fails leaves no trace in it. */
  readonly run: Run;
  readonly store: Store;
  readonly clock: Clock;
  readonly options?: LedgerOptions;
  /** Whose circuit breaker watches the store; that of the process unless set. */
  readonly runtime?: Runtime;
  /** How other hosts are left their turn; in real time unless set. */
  readonly giveWay?: GiveWay;
}

/** What a call without a policy asks for. */
const WAIT: AnyRequest = { kind: "wait" };

/** Runs, commits and runs again. */
export class Ledger {
  readonly #clock: Clock;
  readonly #settings: Settings;
  readonly #stats = newStats();
  readonly #offset = new Offset();
  readonly #watch: StoreWatch;
  readonly #lanes: Lanes;
  readonly #local: Local;
  readonly #leases: Leases;
  readonly #endings: Endings;
  readonly #driver: Driver;
  readonly #settler: Settler;
  readonly #repayments: Repayments;
  readonly #listener: StoreListener | undefined;
  /** By what its policies count. */
  readonly notes: Notes;
  /** What else is done when all of the store is back. */
  onReturn: (() => void) | undefined;

  constructor(parts: LedgerParts) {
    const { run, clock, options = {}, runtime = Runtime.shared } = parts;
    const stats = this.#stats;
    const settings = settingsOf(options);
    const store = inTime(parts.store, clock);
    const storeUs = () => this.#offset.storeUs(clock.nowUs());
    const push = (call: Call) => this.#driver.push(call);
    this.#clock = clock;
    this.#settings = settings;
    this.#listener = options.onStoreChange;
    this.notes = new Notes(store, storeUs, options.onSettingsDiffer);
    const changed = (change: StoreChange) => this.#storeChanged(change);
    const watch = new StoreWatch({ runtime, store, clock, options: options.storeWatch, changed });
    this.#watch = watch;
    const lanes = new Lanes(
      settings.maxKnown,
      entity => watch.shardOf(entity),
      () => this.storeUs(),
    );
    this.#lanes = lanes;
    this.#local = new Local(run, stats, settings.maxStalenessMs * 1_000);
    this.#leases = new Leases(clock, push);
    this.#endings = new Endings({ watch, lanes, leases: this.#leases, stats, push });
    this.#driver = this.#driverOn(parts, store);
    this.#settler = new Settler({ run, lanes, driver: this.#driver, clock, stats, settings, storeUs });
    this.#repayments = new Repayments({ lanes, push }, watch, clock, stats, settings.maxKnown);
  }

  /** What takes lanes to a store. */
  #driverOn({ run, clock, giveWay: given = giveWay }: LedgerParts, store: Store): Driver {
    const pace = new Pace(store.timeoutMs);
    const { maxAttempts, maxBatch } = this.#settings;
    const [watch, endings, offset, stats] = [this.#watch, this.#endings, this.#offset, this.#stats];
    const commits = new Commits({
      runs: new Runs(run, offset, stats),
      offset,
      watch,
      store,
      clock,
      pace,
      stats,
      maxAttempts,
      giveWay: given,
      answered: () => this.notes.compare(),
      takeBack: call => endings.takeBack(call),
    });
    return new Driver({ watch, clock, pace, giveWay: given, commits, endings, maxBatch });
  }

  /** What it has done so far. */
  stats(): LedgerStats {
    return { ...this.#stats, watchRefused: this.#watch.turnedAway };
  }

  /** How many entities it may remember. */
  get maxKnown(): number {
    return this.#settings.maxKnown;
  }

  /** How many entities it remembers. */
  get known(): number {
    return this.#lanes.size;
  }

  /** Whether the store can be asked; of its worst part. */
  get storeState(): StoreState {
    return this.#watch.state;
  }

  /**
   * Resolves when the store does what a commit needs; rejects with a StoreError when the time is
   * over.
   */
  ready(timeoutMs: number): Promise<void> {
    return this.#watch.ready(timeoutMs);
  }

  /** The store's clock in microseconds since 1970, or this host's where nothing is known of it. */
  storeUs(): number {
    const nowUs = this.#clock.nowUs();
    return this.#offset.storeUs(nowUs) ?? nowUs;
  }

  /**
   * Milliseconds until it is tried again whether an entity can be asked after; 0: it is not known
   * to be away.
   */
  retryAfterMs(entity: EntityKey): number {
    return this.#watch.isAllAvailable ? 0 : this.#watch.retryAfterMs(this.#watch.shardOf(entity));
  }

  /**
   * Makes a call, and answers when the store has confirmed it. Rejects with the signal's reason
   * when it is aborted, and then takes back what the call was given; with a StoreError when the
   * store has not answered in the time of one operation; and with an OverloadedError where too many
   * wait already.
   */
  call<T extends Types, const R extends T["request"]>(
    entity: EntityKey,
    policy: Policy<T>,
    request: R,
    signal?: Signal,
  ): Promise<AnswerTo<T, R>> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    const answer = this.answer(entity, policy, request);
    if (answer !== undefined) return Promise.resolve(answer);
    return this.lineUp(entity, policy, request, signal);
  }

  /** Whether a call on an entity is turned away, because the store is known to be. */
  turnsAway(entity: EntityKey): boolean {
    return !this.#watch.isAllAvailable && this.#watch.turnsAway(this.#watch.shardOf(entity));
  }

  /** Keeps a call that nobody need wait for until the store is back; what is too much is lost. */
  park(entity: EntityKey, policy: AnyPolicy, request: AnyRequest): void {
    this.#endings.park(entity, policy, request);
  }

  /** As {@link call}, of one that cannot be answered from what is known. */
  lineUp<T extends Types, const R extends T["request"]>(
    entity: EntityKey,
    policy: Policy<T>,
    request: R,
    signal?: Signal,
  ): Promise<AnswerTo<T, R>> {
    if (this.turnsAway(entity)) return Promise.reject(this.#watch.refusal(this.#watch.shardOf(entity)));
    const { waiting } = this.#lanes;
    const { maxWaiting } = this.#settings;
    if (waiting >= maxWaiting) return Promise.reject(new OverloadedError(waiting, maxWaiting));
    return new Promise((resolve, reject) => {
      const lane = this.#lanes.of(entity);
      const call = new Call(lane, policy, request, resolve as (answer: unknown) => void, reject);
      if (signal !== undefined) call.watch(signal);
      void this.#repayments.postOn(lane);
      this.#driver.push(call);
    });
  }

  /**
   * A call was answered without the store; what it let go is charged when the store is back.
   */
  degraded(entity: EntityKey, policy: AnyPolicy, owed?: Owed<AnyRequest>): void {
    this.#stats.degraded++;
    if (owed !== undefined) this.#repayments.owe(entity, policy, owed);
  }

  /** What was let go without the store was given back. */
  forgive(entity: EntityKey, cost: number): void {
    this.#repayments.forgive(entity, cost);
  }

  /**
   * Takes an outcome in. If the policy lets it settle later, the answer is what this host knows;
   * else it is that of {@link call}.
   */
  record<T extends Types, const R extends T["request"]>(
    entity: EntityKey,
    policy: Policy<T>,
    request: R,
    signal?: Signal,
  ): Promise<AnswerTo<T, R>> {
    const answer = this.#settler.record(entity, policy, request);
    if (answer === undefined) return this.call(entity, policy, request, signal);
    return Promise.resolve(answer as AnswerTo<T, R>);
  }

  /**
   * Resolves when all that waited when it was called is settled, also what nobody asks after,
   * and all leases are given back. Never rejects.
   */
  async flush(): Promise<void> {
    await this.#repayments.postAll();
    this.#leases.releaseAll();
    const settled = (lane: Lane) =>
      new Promise<void>(resolve => {
        // The answer says only that all before it is done; errors were told to those whom they
        // concern.
        const done = () => resolve();
        this.#driver.push(new Call(lane, undefined, WAIT, done, done));
      });
    await Promise.all(this.#lanes.unsettled().map(settled));
  }

  /**
   * The answer to a call, where the store needs not be asked for it: overload must not reach it,
   * nor calls on a lease.
   */
  answer<T extends Types, const R extends T["request"]>(
    entity: EntityKey,
    policy: Policy<T>,
    request: R,
  ): AnswerTo<T, R> | undefined {
    const lane = this.#lanes.find(entity);
    if (!lane?.known.mayAnswer) return undefined;
    const storeUs = this.#offset.storeUs(this.#clock.nowUs());
    return this.#local.answer(lane, policy, request, storeUs) as AnswerTo<T, R> | undefined;
  }

  #storeChanged(change: StoreChange): void {
    if (change.after === "away") this.#driver.turnBackAway();
    if (change.after === "available") {
      this.#endings.sendParked();
      void this.#repayments.postAll();
    }
    if (this.#watch.isAllAvailable) this.onReturn?.();
    const listener = this.#listener;
    if (listener !== undefined) queueMicrotask(() => tell(listener, change, "onStoreChange"));
  }
}
