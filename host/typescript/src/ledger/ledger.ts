/**
 * The ledger: runs a policy on what is known of an entity, commits the log of the run, and runs again where the store knew
 * better. See ARCHITECTURE.md for the protocol.
 *
 * Invariants: a caller is answered only from a run that the store has confirmed, but for outcomes that the policy itself lets
 * settle later, and refusals that what was confirmed of late proves. A call whose caller has gone away is undone. Every call ends after a bounded number of commits.
 */

import { StoreGuard } from "../away/guard.js";
import type { StoreChange, StoreGuardOptions, StoreListener, StoreState } from "../away/state.js";
import { type Answer, gives, type Request, settlesLater, undo } from "../call.js";
import type { Clock } from "../clock.js";
import type { StoreError } from "../errors.js";
import type { EntityKey } from "../key.js";
import { Runtime } from "../runtime/index.js";
import type { Policy } from "../runtime/policy.js";
import { type Signal, whenAborted } from "../signal.js";
import { isOutage, timedOut } from "../store/errors.js";
import { changes, type Store } from "../store/store.js";
import { tell } from "../tell.js";
import { Transaction } from "../transaction/transaction.js";
import { Aside } from "./aside.js";
import { type Run, Settler } from "./batch.js";
import { type GiveWay, giveWay } from "./contention.js";
import { Deadlines } from "./deadlines.js";
import { Debtor } from "./debtor.js";
import { Here } from "./here.js";
import { Call, type Lane, Lanes } from "./lanes.js";
import { Leases } from "./leases.js";
import { type LedgerStats, newStats } from "./stats.js";
import { soon } from "./tick.js";

/** How a ledger works. */
export interface LedgerOptions {
  /** Of how many entities to remember what was last seen; about 65,536 unless set. */
  readonly maxKnown?: number;
  /** How many calls on an entity go out together at most; 256 unless set. */
  readonly maxBatch?: number;
  /** How often a batch is committed before it is given up as contended; 64 unless set. */
  readonly maxAttempts?: number;
  /** How long an outcome that may settle later is kept back at most, in milliseconds; 20 unless set. */
  readonly flushDelayMs?: number;
  /** How old what is known may be to refuse a call on, in milliseconds; 100 unless set, and at most. */
  readonly maxStalenessMs?: number;
  /** When the store is taken to be away; `false`: never, so that each call finds out by itself. */
  readonly storeGuard?: StoreGuardOptions | false | undefined;
  /** Told when the store goes away, is probed and comes back, just after it; that it throws or rejects is logged once. */
  readonly onStoreChange?: StoreListener | undefined;
}

/**
 * The oldest that what is known may be to refuse a call on, in milliseconds. It bounds for how long a refund or a reset by another
 * host goes unnoticed.
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
  /** Whose circuit breaker guards the store; that of the process unless set. */
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
  readonly #guard: StoreGuard;
  readonly #settler: Settler;
  readonly #giveWay: GiveWay;
  readonly #here: Here;
  /** How long calls may wait for the store; undefined: for ever. */
  readonly #deadlines: Deadlines | undefined;
  readonly #debtor: Debtor;
  readonly #leases: Leases;
  readonly #aside = new Aside();
  readonly #listener: StoreListener | undefined;
  /** How many keys it remembers something of. */
  readonly maxKnown: number;
  /** What else is done when all of the store is back. */
  onReturn: (() => void) | undefined;
  readonly #lanes: Lanes;
  readonly #stats = newStats();
  readonly #maxBatch: number;
  readonly #flushDelayMs: number;
  /** What guesses are made on. */
  readonly #scratch = new Transaction();
  /** Lanes whose next batch is taken at the end of this tick. */
  #ready: Lane[] = [];
  /** Lanes whose deferred outcomes go out when the delay is over. */
  #deferring = new Set<Lane>();

  constructor(parts: LedgerParts) {
    const { run, store, clock, options = {}, runtime = Runtime.shared } = parts;
    const { maxKnown = 65_536, maxBatch = 256, maxAttempts = 64, flushDelayMs = 20 } = options;
    this.maxKnown = maxKnown;
    this.#run = run;
    this.#clock = clock;
    const changed = (change: StoreChange) => this.#storeChanged(change);
    this.#guard = new StoreGuard({ runtime, store, clock, options: options.storeGuard, changed });
    this.#giveWay = parts.giveWay ?? giveWay;
    const [guard, stats] = [this.#guard, this.#stats];
    this.#settler = new Settler({ run, guard, store, clock, stats, maxAttempts, giveWay: this.#giveWay });
    this.#lanes = new Lanes(
      maxKnown,
      entity => this.#guard.groupOf(entity),
      () => this.storeUs(),
    );
    const { limitMs } = store;
    if (limitMs !== undefined) {
      this.#deadlines = new Deadlines(clock, limitMs, call => leave(call, timedOut(limitMs)));
    }
    const push = (call: Call) => this.#push(call);
    this.#leases = new Leases(clock, push);
    const line = { lanes: this.#lanes, push };
    this.#debtor = new Debtor(line, this.#guard, clock, this.#stats, maxKnown);
    this.#listener = options.onStoreChange;
    this.#maxBatch = maxBatch;
    this.#flushDelayMs = flushDelayMs;
    const maxStalenessMs = Math.min(options.maxStalenessMs ?? MAX_STALENESS_MS, MAX_STALENESS_MS);
    this.#here = new Here(run, this.#stats, maxStalenessMs * 1_000);
  }

  /** What it has done so far. */
  stats(): LedgerStats {
    return { ...this.#stats, guardRefused: this.#guard.turnedAway };
  }

  /** How many entities it remembers. */
  get known(): number {
    return this.#lanes.size;
  }

  /** Whether the store can be asked; of its worst part. */
  get storeState(): StoreState {
    return this.#guard.state;
  }

  /** The store's clock in microseconds since 1970, or this host's where nothing is known of it. */
  storeUs(): number {
    return this.#settler.storeUs() ?? this.#clock.nowUs();
  }

  /** Milliseconds until it is tried again whether an entity can be asked after; 0: it is not known to be away. */
  retryAfterMs(entity: EntityKey): number {
    return this.#guard.isAllAvailable ? 0 : this.#guard.retryAfterMs(this.#guard.groupOf(entity));
  }

  /**
   * Makes a call, and answers when the store has confirmed it. Rejects with the signal's reason when it is aborted, and with a
   * StoreError when the store has not answered in the time of one operation; what the call was given is then taken back.
   */
  call(entity: EntityKey, policy: Policy, request: Request, signal?: Signal): Promise<Answer> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    const answer = this.answer(entity, policy, request);
    if (answer !== undefined) return Promise.resolve(answer);
    return this.lineUp(entity, policy, request, signal);
  }

  /** Whether a call on an entity is turned away, because the store is known to be. */
  turnsAway(entity: EntityKey): boolean {
    return !this.#guard.isAllAvailable && this.#guard.turnsAway(this.#guard.groupOf(entity));
  }

  /** Keeps a call that nobody need wait for until the store is back; what is too much is lost. */
  keep(entity: EntityKey, policy: Policy, request: Request): void {
    if (!this.#aside.keep({ entity, policy, request })) this.#stats.lost++;
  }

  /** As {@link call}, of one that cannot be answered from what is known. */
  lineUp(entity: EntityKey, policy: Policy, request: Request, signal?: Signal): Promise<Answer> {
    if (this.turnsAway(entity)) return Promise.reject(this.#guard.refusal(this.#guard.groupOf(entity)));
    return new Promise((resolve, reject) => {
      const lane = this.#lanes.of(entity);
      const call = new Call(lane, policy, request, resolve, reject);
      if (signal !== undefined) watch(call, signal);
      void this.#debtor.postOn(lane);
      this.#deadlines?.add(call);
      this.#push(call);
    });
  }

  /** A call was answered without the store; `cost` permits that it let go are charged when the store is back. */
  degraded(entity: EntityKey, policy: Policy, cost: number): void {
    this.#stats.degraded++;
    if (cost > 0) this.#debtor.owe(entity, policy, cost);
  }

  /** What was let go without the store was given back. */
  forgive(entity: EntityKey, cost: number): void {
    this.#debtor.forgive(entity, cost);
  }

  /**
   * Takes an outcome in. If the policy lets it settle later, the answer is what this host knows, and the outcome goes out with the
   * next batch of the entity, after the flush delay at the latest.
   */
  record(entity: EntityKey, policy: Policy, request: Request, signal?: Signal): Promise<Answer> {
    const guessed = this.#guess(entity, policy, request);
    if (guessed === undefined) return this.call(entity, policy, request, signal);
    if (guessed.isChange) this.#defer(policy, request, this.#lanes.of(entity));
    return Promise.resolve(guessed.answer);
  }

  /**
   * Resolves when all that was in line when it was called is settled, also what nobody waits for, and all leases are given back.
   * Never rejects.
   */
  async flush(): Promise<void> {
    await this.#debtor.postAll();
    this.#leases.releaseAll();
    const settled = (lane: Lane) =>
      new Promise<void>(resolve => {
        // The answer says only that all before it is done; errors were told to those whom they concern.
        const done = () => resolve();
        this.#push(new Call(lane, undefined, NOTHING, done, done));
      });
    await Promise.all(this.#lanes.unsettled().map(settled));
  }

  /** The answer to a call, where the store needs not be asked for it: overload must not reach it, nor calls on a lease. */
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

  #defer(policy: Policy, request: Request, lane: Lane): void {
    this.#stats.deferred++;
    lane.deferred.push(new Call(lane, policy, request, undefined, undefined));
    if (lane.isDriven) return;
    if (lane.deferred.length >= this.#maxBatch) {
      this.#drive(lane);
    } else {
      if (this.#deferring.size === 0) this.#clock.after(this.#flushDelayMs, () => this.#flushDeferred(), true);
      this.#deferring.add(lane);
    }
  }

  #flushDeferred(): void {
    const lanes = this.#deferring;
    this.#deferring = new Set();
    for (const lane of lanes) if (!lane.isDriven && !lane.isEmpty) this.#drive(lane);
  }

  #push(call: Call): void {
    const { lane } = call;
    lane.waiting.push(call);
    if (!lane.isDriven) this.#drive(lane);
  }

  /** Takes the lane's next batch at the end of this tick, when all who were called back in it have come again. */
  #drive(lane: Lane): void {
    lane.isDriven = true;
    if (this.#ready.push(lane) === 1) soon(() => this.#driveReady());
  }

  #driveReady(): void {
    const lanes = this.#ready;
    this.#ready = [];
    for (const lane of lanes) void this.#settle(lane);
  }

  /** Settles one batch of a lane. */
  async #settle(lane: Lane): Promise<void> {
    const { contention } = lane.known;
    // Before the batch is made, so that whoever comes meanwhile goes along.
    if (contention.isFelt) await this.#giveWay(contention, this.#clock.nowUs());
    if (this.#guard.turnsAway(lane.group)) {
      this.#turnBack(lane, this.#guard.refusal(lane.group));
    } else {
      const batch = lane.take(this.#maxBatch);
      lane.isOnItsWay = true;
      const failure = batch.length > 0 ? await this.#settler.settle(lane, batch) : undefined;
      lane.isOnItsWay = false;
      this.#replyAll(batch);
      // What has lined up meanwhile would only wait for the same.
      if (isOutage(failure)) this.#turnBack(lane, failure);
    }
    if (lane.isEmpty) lane.isDriven = false;
    else this.#drive(lane);
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

  /** Ends all calls in line, which have not run. What nobody waits for is kept until the store is back. */
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
    const isBack = (entity: EntityKey) => this.#guard.isAvailable(this.#guard.groupOf(entity));
    for (const { entity, policy, request } of this.#aside.take(isBack)) {
      this.#push(new Call(this.#lanes.of(entity), policy, request, undefined, undefined));
    }
  }

  /** Answers a caller. One who has gone away gets what it was given taken back. */
  #reply(call: Call): void {
    call.unwatch?.();
    call.isDone = true;
    const { answer } = call;
    if (call.resolve === undefined) {
      if (answer === undefined) this.#stats.lost++;
    } else if (call.isGone) {
      if (answer !== undefined) this.#takeBack(call, answer);
    } else if (answer === undefined) {
      call.reject?.(call.error);
    } else {
      call.resolve(answer);
    }
  }

  #takeBack({ lane, policy, request }: Call, answer: Answer): void {
    const back = gives(request) ? undo(request, answer) : undefined;
    // The lane is being driven, and comes to it next.
    if (back !== undefined) lane.waiting.push(new Call(lane, policy, back, undefined, undefined));
  }

  #storeChanged(change: StoreChange): void {
    if (change.after === "available") {
      this.#sendKept();
      void this.#debtor.postAll();
    }
    if (this.#guard.isAllAvailable) this.onReturn?.();
    const listener = this.#listener;
    if (listener !== undefined) queueMicrotask(() => tell(listener, change, "onStoreChange"));
  }
}

/** Lets a call go, whose caller is told why. */
function leave(call: Call, reason: unknown): void {
  call.unwatch?.();
  call.isGone = true;
  call.isDone = true;
  call.lane.remove(call);
  call.reject?.(reason);
}

/** Lets a call go when its caller's signal is aborted. */
function watch(call: Call, signal: Signal): void {
  call.unwatch = whenAborted(signal, () => leave(call, signal.reason));
}
