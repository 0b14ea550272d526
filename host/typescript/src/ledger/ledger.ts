/**
 * The ledger: runs a policy on what is known of an entity, commits the log of the run, and runs
 * again where the store knew better. See ARCHITECTURE.md for the protocol.
 *
 * Invariants: a caller is answered only from a run that the store has confirmed, but for outcomes
 * that the policy itself lets settle later, and refusals that what was confirmed of late proves. A
 * call whose caller has gone away is undone. Every call ends after a bounded number of commits.
 */

import type { StoreChange, StoreListener, StoreState, StoreWatchOptions } from "../away/state.js";
import { StoreWatch } from "../away/watch.js";
import { type Answer, gives, type Request, repeats, settlesLater, undo } from "../call.js";
import type { Clock } from "../clock.js";
import { OverloadedError, type StoreError } from "../errors.js";
import type { EntityKey } from "../key.js";
import { Runtime } from "../runtime/index.js";
import type { Policy } from "../runtime/policy.js";
import type { Signal } from "../signal.js";
import { isOutage } from "../store/errors.js";
import { changes, type Store } from "../store/store.js";
import { tell } from "../tell.js";
import { Transaction } from "../transaction/transaction.js";
import { type GiveWay, giveWay } from "./contention.js";
import { Call, type Lane, Lanes } from "./lanes.js";
import { Leases } from "./leases.js";
import { Here } from "./local.js";
import { Notes, type SettingsListener } from "./notes.js";
import { Pace } from "./pace.js";
import { Aside } from "./parked.js";
import { Debtor } from "./repayments.js";
import { type Run, Settler } from "./settler.js";
import { type LedgerStats, newStats } from "./stats.js";
import { inTime } from "./timed.js";
import { Line } from "./turns.js";

/** How a ledger works. */
export interface LedgerOptions {
  /** Of how many entities to remember what was last seen; about 65,536 unless set. */
  readonly maxKnown?: number;
  /** How many calls on an entity go out together at most; 256 unless set. */
  readonly maxBatch?: number;
  /**
   * How many calls may wait in this process until they are sent, before others end in an {@link
   * OverloadedError}; 1,000,000 unless set.
   */
  readonly maxWaiting?: number;
  /** How often a batch is committed before it is given up as contended; 64 unless set. */
  readonly maxAttempts?: number;
  /**
   * How long an outcome that may settle later is kept back at most, in milliseconds; 20 unless set.
   */
  readonly flushDelayMs?: number;
  /**
   * How old what is known may be to refuse a call on, in milliseconds; 100 unless set, and at most.
   */
  readonly maxStalenessMs?: number;
  /** When the store is taken to be away; `false`: never, so that each call finds out by itself. */
  readonly storeWatch?: StoreWatchOptions | false | undefined;
  /**
   * Told when the store goes away, is probed and comes back, just after it; that it throws or
   * rejects is logged once.
   */
  readonly onStoreChange?: StoreListener | undefined;
  /**
   * Called when a limiter goes by another algorithm or window than one of the same name before, in
   * this process or on the store: then neither sees what the other has counted. A warning says so
   * in the log in any case. That it throws or rejects is logged once.
   */
  readonly onSettingsDiffer?: SettingsListener | undefined;
}

/**
 * The oldest that what is known may be to refuse a call on, in milliseconds. It bounds for how long
 * a refund or a reset by another host goes unnoticed.
 */
const MAX_STALENESS_MS = 100;

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
const NOTHING: Request = { kind: "status" };
const DONE: Answer = { kind: "done" };

/** Runs, commits and runs again. */
export class Ledger {
  readonly #run: Run;
  readonly #clock: Clock;
  readonly #watch: StoreWatch;
  readonly #settler: Settler;
  readonly #giveWay: GiveWay;
  readonly #here: Here;
  readonly #pace: Pace;
  readonly #line: Line;
  readonly #debtor: Debtor;
  readonly #leases: Leases;
  readonly #aside = new Aside();
  readonly #listener: StoreListener | undefined;
  /** How many keys it remembers something of. */
  readonly maxKnown: number;
  /** What its limiters are counted by. */
  readonly notes: Notes;
  /** What else is done when all of the store is back. */
  onReturn: (() => void) | undefined;
  readonly #lanes: Lanes;
  readonly #stats = newStats();
  readonly #maxBatch: number;
  readonly #maxWaiting: number;
  readonly #flushDelayMs: number;
  /** What guesses are made on. */
  readonly #scratch = new Transaction();
  /** Lanes whose deferred outcomes go out when the delay is over. */
  #deferring = new Set<Lane>();

  constructor(parts: LedgerParts) {
    const { run, clock, options = {}, runtime = Runtime.shared } = parts;
    const { maxKnown = 65_536, maxBatch = 256, maxWaiting = 1_000_000, flushDelayMs = 20 } = options;
    const store = inTime(parts.store, clock);
    this.maxKnown = maxKnown;
    this.notes = new Notes(store, () => this.#settler.storeUs(), options.onSettingsDiffer);
    this.#run = run;
    this.#clock = clock;
    const changed = (change: StoreChange) => this.#storeChanged(change);
    this.#watch = new StoreWatch({ runtime, store, clock, options: options.storeWatch, changed });
    this.#giveWay = parts.giveWay ?? giveWay;
    this.#pace = new Pace(store.timeoutMs);
    this.#line = new Line(this.#pace, lane => void this.#settle(lane));
    this.#settler = new Settler({
      run,
      store,
      clock,
      watch: this.#watch,
      pace: this.#pace,
      stats: this.#stats,
      maxAttempts: options.maxAttempts ?? 64,
      giveWay: this.#giveWay,
      answered: () => this.notes.compare(),
      takeBack: call => this.#takeBack(call),
    });
    const shardOf = (entity: EntityKey) => this.#watch.shardOf(entity);
    this.#lanes = new Lanes(maxKnown, shardOf, () => this.storeUs());
    const push = (call: Call) => this.#push(call);
    this.#leases = new Leases(clock, push);
    const line = { lanes: this.#lanes, push };
    this.#debtor = new Debtor(line, this.#watch, clock, this.#stats, maxKnown);
    this.#listener = options.onStoreChange;
    this.#maxBatch = maxBatch;
    this.#maxWaiting = maxWaiting;
    this.#flushDelayMs = flushDelayMs;
    const maxStalenessMs = Math.min(options.maxStalenessMs ?? MAX_STALENESS_MS, MAX_STALENESS_MS);
    this.#here = new Here(run, this.#stats, maxStalenessMs * 1_000);
  }

  /** What it has done so far. */
  stats(): LedgerStats {
    return { ...this.#stats, watchRefused: this.#watch.turnedAway };
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
    return this.#settler.storeUs() ?? this.#clock.nowUs();
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
  call(entity: EntityKey, policy: Policy, request: Request, signal?: Signal): Promise<Answer> {
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
  keep(entity: EntityKey, policy: Policy, request: Request): void {
    if (!this.#aside.keep({ entity, policy, request })) this.#stats.lost++;
  }

  /** As {@link call}, of one that cannot be answered from what is known. */
  lineUp(entity: EntityKey, policy: Policy, request: Request, signal?: Signal): Promise<Answer> {
    if (this.turnsAway(entity)) return Promise.reject(this.#watch.refusal(this.#watch.shardOf(entity)));
    const { waiting } = this.#lanes;
    if (waiting >= this.#maxWaiting) return Promise.reject(new OverloadedError(waiting, this.#maxWaiting));
    return new Promise((resolve, reject) => {
      const lane = this.#lanes.of(entity);
      const call = new Call(lane, policy, request, resolve, reject);
      if (signal !== undefined) call.watch(signal);
      void this.#debtor.postOn(lane);
      this.#push(call);
    });
  }

  /**
   * A call was answered without the store; `cost` permits that it let go are charged when the store
   * is back.
   */
  degraded(entity: EntityKey, policy: Policy, cost: number): void {
    this.#stats.degraded++;
    if (cost > 0) this.#debtor.owe(entity, policy, cost);
  }

  /** What was let go without the store was given back. */
  forgive(entity: EntityKey, cost: number): void {
    this.#debtor.forgive(entity, cost);
  }

  /**
   * Takes an outcome in. If the policy lets it settle later, the answer is what this host knows,
   * and the outcome goes out with the next batch of the entity, after the flush delay at the
   * latest: also one that changes nothing by what this host knows, since others may know better. Of
   * those that would change the same, one goes out.
   */
  record(entity: EntityKey, policy: Policy, request: Request, signal?: Signal): Promise<Answer> {
    const guessed = this.#guess(entity, policy, request);
    if (guessed === undefined) return this.call(entity, policy, request, signal);
    this.#defer(policy, request, this.#lanes.of(entity), guessed.isChange);
    return Promise.resolve(guessed.answer);
  }

  /**
   * Resolves when all that was in line when it was called is settled, also what nobody waits for,
   * and all leases are given back. Never rejects.
   */
  async flush(): Promise<void> {
    await this.#debtor.postAll();
    this.#leases.releaseAll();
    const settled = (lane: Lane) =>
      new Promise<void>(resolve => {
        // The answer says only that all before it is done; errors were told to those whom they
        // concern.
        const done = () => resolve();
        this.#push(new Call(lane, undefined, NOTHING, done, done));
      });
    await Promise.all(this.#lanes.unsettled().map(settled));
  }

  /**
   * The answer to a call, where the store needs not be asked for it: overload must not reach it,
   * nor calls on a lease.
   */
  answer(entity: EntityKey, policy: Policy, request: Request): Answer | undefined {
    const lane = this.#lanes.find(entity);
    return lane?.known.mayAnswer ? this.#here.answer(lane, policy, request, this.#settler.storeUs()) : undefined;
  }

  /** The answer on what is known and whether it changes anything, if it may settle later. */
  #guess(entity: EntityKey, policy: Policy, request: Request): { answer: Answer; isChange: boolean } | undefined {
    const storeUs = this.#settler.storeUs();
    if (storeUs === undefined) return undefined;
    const known = this.#lanes.find(entity)?.known;
    this.#scratch.beginLogged(Math.max(storeUs, known?.seenUs ?? 0), [entity]);
    if (known !== undefined) this.#scratch.entity(0).copy(known.entity);
    let answer: Answer;
    try {
      answer = this.#run(policy, request, this.#scratch);
    } catch {
      // It fails again where somebody waits for it, or it does not.
      return undefined;
    }
    if (!settlesLater(answer)) return undefined;
    const commit = this.#scratch.commit;
    return { answer, isChange: commit !== undefined && changes(commit) };
  }

  #defer(policy: Policy, request: Request, lane: Lane, isChange: boolean): void {
    this.#stats.deferred++;
    const last = lane.deferred.at(-1);
    if (!isChange && last?.policy === policy && repeats(request, last.request)) return;
    lane.canWait = !isChange && last === undefined;
    lane.deferred.push(new Call(lane, policy, request, undefined, undefined));
    if (lane.isDriven && !lane.canWait) return;
    if (lane.deferred.length >= this.#maxBatch && !lane.isDriven) {
      lane.canWait = false;
      this.#drive(lane);
    } else {
      if (this.#deferring.size === 0) this.#clock.after(this.#flushDelayMs, () => this.#flushDeferred(), true);
      this.#deferring.add(lane);
    }
  }

  #flushDeferred(): void {
    const lanes = this.#deferring;
    this.#deferring = new Set();
    for (const lane of lanes) {
      lane.canWait = false;
      if (!lane.isDriven && !lane.isEmpty) this.#drive(lane);
    }
  }

  #push(call: Call): void {
    const { lane } = call;
    lane.push(call);
    if (!lane.isDriven) this.#drive(lane);
  }

  /** Takes the lane's next batch when it is its turn. */
  #drive(lane: Lane): void {
    lane.isDriven = true;
    this.#line.push(lane);
  }

  /** Settles one batch of a lane. */
  async #settle(lane: Lane): Promise<void> {
    const { contention } = lane.known;
    this.#pace.begin();
    // Before the batch is made, so that whoever comes meanwhile goes along.
    if (contention.isFelt) await this.#giveWay(contention, this.#clock.nowUs());
    if (this.#watch.turnsAway(lane.shard)) {
      this.#turnBack(lane, this.#watch.refusal(lane.shard));
    } else {
      const batch = lane.take(this.#maxBatch);
      lane.isOnItsWay = true;
      const failure = batch.length > 0 ? await this.#settler.settle(lane, batch) : undefined;
      lane.isOnItsWay = false;
      this.#replyAll(batch);
      // Where nobody finds out that the store is away, what has lined up meanwhile would only wait
      // for the same.
      if (isOutage(failure) && !this.#watch.isOn) this.#turnBack(lane, failure);
    }
    this.#pace.end();
    if (lane.isEmpty) lane.isDriven = false;
    else this.#drive(lane);
    this.#line.goOn();
  }

  /** Sees to it that a lease that a call has taken is given back when it is over. */
  #keepLease({ lane, policy, answer }: Call): void {
    if (answer?.kind !== "decision" || policy === undefined) return;
    const { releaseAfterMs } = answer.decision;
    if (releaseAfterMs > 0) this.#leases.taken(lane, policy, releaseAfterMs);
  }

  #replyAll(batch: readonly Call[]): void {
    for (const call of batch) {
      this.#keepLease(call);
      this.#reply(call);
    }
  }

  /**
   * Ends all calls in line, which have not run. What nobody waits for is kept until the store is
   * back.
   */
  #turnBack(lane: Lane, failure: StoreError): void {
    for (const call of lane.takeAll()) {
      const { policy, request } = call;
      if (policy === undefined) call.answer = DONE;
      else if (call.resolve === undefined && this.#aside.keep({ entity: lane.entity, policy, request })) continue;
      else call.error = failure;
      this.#reply(call);
    }
  }

  /** Sends what was kept for when the store is back. */
  #sendKept(): void {
    const isBack = (entity: EntityKey) => this.#watch.isAvailable(this.#watch.shardOf(entity));
    for (const { entity, policy, request } of this.#aside.take(isBack)) {
      this.#push(new Call(this.#lanes.of(entity), policy, request, undefined, undefined));
    }
  }

  /** Answers a caller. One who has gone away gets what it was given taken back. */
  #reply(call: Call): void {
    call.unwatch?.();
    const { answer } = call;
    if (call.resolve === undefined) {
      if (answer === undefined) this.#stats.lost++;
    } else if (call.isGone) {
      this.#takeBack(call);
    } else if (answer === undefined) {
      call.reject?.(call.error);
    } else {
      call.resolve(answer);
    }
  }

  /**
   * What a call was given whose caller has gone on without it goes back, for nobody to wait for.
   */
  #takeBack({ lane, policy, request, answer }: Call): void {
    const back = answer !== undefined && gives(request) ? undo(request, answer) : undefined;
    if (back !== undefined) this.#push(new Call(lane, policy, back, undefined, undefined));
  }

  #storeChanged(change: StoreChange): void {
    // Whoever is in line there is answered at once.
    if (change.after === "away") this.#line.dismiss(lane => !this.#watch.isAvailable(lane.shard));
    if (change.after === "available") {
      this.#sendKept();
      void this.#debtor.postAll();
    }
    if (this.#watch.isAllAvailable) this.onReturn?.();
    const listener = this.#listener;
    if (listener !== undefined) queueMicrotask(() => tell(listener, change, "onStoreChange"));
  }
}
