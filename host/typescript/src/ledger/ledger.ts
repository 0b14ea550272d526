/**
 * The ledger: runs a policy on what is known of an entity, commits the log of the run, and runs again where the store knew
 * better. See ARCHITECTURE.md for the protocol.
 *
 * Invariants: a caller is answered only from a run that the store has confirmed, but for outcomes that the policy itself lets
 * settle later, and refusals that what was confirmed of late proves. A call whose caller has gone away is undone. Every call ends after a bounded number of commits.
 */

import { type Answer, gives, type Request, refuses, settlesLater, undo } from "../call.js";
import type { Clock } from "../clock.js";
import type { EntityKey } from "../key.js";
import type { Policy } from "../runtime/policy.js";
import { changes, type Store } from "../store/store.js";
import { Entity } from "../transaction/cells.js";
import { Transaction } from "../transaction/transaction.js";
import { type Run, Settler } from "./batch.js";
import { Call, type Lane, Lanes } from "./lanes.js";
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
}

/**
 * The oldest that what is known may be to refuse a call on, in milliseconds. It bounds for how long a refund or a reset by another
 * host goes unnoticed.
 */
const MAX_STALENESS_MS = 100;

/** What a ledger is made of. */
export interface LedgerParts {
  /** Runs a policy on a transaction. A run that fails leaves no trace in it. */
  readonly run: Run;
  readonly store: Store;
  readonly clock: Clock;
  readonly options?: LedgerOptions;
}

/** What an `AbortSignal` is to the ledger. */
export interface Signal {
  readonly aborted: boolean;
  readonly reason: unknown;
  addEventListener(type: "abort", listener: () => void): void;
  removeEventListener(type: "abort", listener: () => void): void;
}

/** What a call without a policy asks for. */
const NOTHING: Request = { kind: "status" };

/** Runs, commits and runs again. */
export class Ledger {
  readonly #run: Run;
  readonly #clock: Clock;
  readonly #settler: Settler;
  readonly #lanes: Lanes;
  readonly #stats = newStats();
  readonly #maxBatch: number;
  readonly #flushDelayMs: number;
  readonly #maxStalenessUs: number;
  /** What guesses are made on. */
  readonly #scratch = new Transaction();
  /** What refusals are foreseen on. */
  readonly #foreseen = { transaction: new Transaction(), entity: new Entity() };
  /** Lanes whose next batch is taken at the end of this tick. */
  #ready: Lane[] = [];
  /** Lanes whose deferred outcomes go out when the delay is over. */
  #deferring = new Set<Lane>();

  constructor({ run, store, clock, options = {} }: LedgerParts) {
    const { maxKnown = 65_536, maxBatch = 256, maxAttempts = 64, flushDelayMs = 20 } = options;
    this.#run = run;
    this.#clock = clock;
    this.#settler = new Settler(run, store, clock, this.#stats, maxAttempts);
    this.#lanes = new Lanes(maxKnown);
    this.#maxBatch = maxBatch;
    this.#flushDelayMs = flushDelayMs;
    this.#maxStalenessUs = Math.min(options.maxStalenessMs ?? MAX_STALENESS_MS, MAX_STALENESS_MS) * 1_000;
  }

  /** What it has done so far. */
  stats(): LedgerStats {
    return { ...this.#stats };
  }

  /** How many entities it remembers. */
  get known(): number {
    return this.#lanes.size;
  }

  /**
   * Makes a call, and answers when the store has confirmed it. Rejects with the signal's reason when it is aborted; what the call
   * was given is then taken back.
   */
  call(entity: EntityKey, policy: Policy, request: Request, signal?: Signal): Promise<Answer> {
    const refusal = signal?.aborted ? undefined : this.#refuse(entity, policy, request);
    if (refusal !== undefined) return Promise.resolve(refusal);
    return new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(signal.reason);
        return;
      }
      const lane = this.#lanes.of(entity);
      const call = new Call(policy, request, resolve, reject);
      if (signal !== undefined) watch(call, lane, signal);
      this.#push(lane, call);
    });
  }

  /**
   * Takes an outcome in. If the policy lets it settle later, the answer is what this host knows, and the outcome goes out with the
   * next batch of the entity, after the flush delay at the latest.
   */
  record(entity: EntityKey, policy: Policy, request: Request, signal?: Signal): Promise<Answer> {
    const guessed = this.#guess(entity, policy, request);
    if (guessed === undefined) return this.call(entity, policy, request, signal);
    if (guessed.isChange) this.#defer(this.#lanes.of(entity), new Call(policy, request, undefined, undefined));
    return Promise.resolve(guessed.answer);
  }

  /** Resolves when all that was in line when it was called is settled, also what nobody waits for. Never rejects. */
  async flush(): Promise<void> {
    const settled = (lane: Lane) =>
      new Promise<void>(resolve => {
        // The answer says only that all before it is done; errors were told to those whom they concern.
        const done = () => resolve();
        this.#push(lane, new Call(undefined, NOTHING, done, done));
      });
    await Promise.all(this.#lanes.unsettled().map(settled));
  }

  /**
   * The refusal of a call, where what is known of the entity proves it: overload must not reach the store.
   *
   * A run that changes nothing and refuses the call has read values and met numbers that stood in its way. Numbers only grow where
   * hosts admit calls, so what was in the way still is; a refund, a reset or an eviction can take it away, and a value can be
   * replaced. So a refusal is given on what the store has confirmed, and for a bounded time only. Nothing is admitted here, so no
   * promise depends on it.
   */
  #refuse(entity: EntityKey, policy: Policy, request: Request): Answer | undefined {
    const known = this.#lanes.find(entity)?.known;
    if (known === undefined || !known.refuses || !gives(request)) return undefined;
    const storeUs = this.#settler.storeUs();
    if (storeUs === undefined || storeUs - known.behindUs - known.seenUs >= this.#maxStalenessUs) return undefined;
    const { entity: copy } = this.#foreseen;
    copy.copy(known.entity);
    this.#foreseen.transaction.beginDirect(Math.max(storeUs, known.seenUs), copy);
    let answer: Answer;
    try {
      answer = this.#run(policy, request, this.#foreseen.transaction);
    } catch {
      // It fails again where somebody waits for it, or it does not.
      return undefined;
    }
    if (!refuses(answer) || !this.#foreseen.transaction.isUnchanged) return undefined;
    this.#stats.local++;
    return answer;
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

  #defer(lane: Lane, call: Call): void {
    this.#stats.deferred++;
    lane.deferred.push(call);
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

  #push(lane: Lane, call: Call): void {
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
    const batch = lane.take(this.#maxBatch);
    if (batch.length > 0) await this.#settler.settle(lane, batch);
    for (const call of batch) this.#reply(lane, call);
    if (lane.isEmpty) lane.isDriven = false;
    else this.#drive(lane);
  }

  /** Answers a caller. One who has gone away gets what it was given taken back. */
  #reply(lane: Lane, call: Call): void {
    call.unwatch?.();
    const { answer } = call;
    if (call.resolve === undefined) {
      if (answer === undefined) this.#stats.lost++;
    } else if (call.isGone) {
      if (answer !== undefined) this.#takeBack(lane, call, answer);
    } else if (answer === undefined) {
      call.reject?.(call.error);
    } else {
      call.resolve(answer);
    }
  }

  #takeBack(lane: Lane, { policy, request }: Call, answer: Answer): void {
    const back = gives(request) ? undo(request, answer) : undefined;
    // The lane is being driven, and comes to it next.
    if (back !== undefined) lane.waiting.push(new Call(policy, back, undefined, undefined));
  }
}

/** Lets a call go when its caller's signal is aborted. */
function watch(call: Call, lane: Lane, signal: Signal): void {
  const leave = () => {
    call.unwatch?.();
    call.isGone = true;
    lane.remove(call);
    call.reject?.(signal.reason);
  };
  call.unwatch = () => signal.removeEventListener("abort", leave);
  signal.addEventListener("abort", leave);
}
