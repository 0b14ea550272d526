/**
 * The ledger: runs a policy on what is known of an entity, commits the log of the run, and runs again where the store knew
 * better. See ARCHITECTURE.md for the protocol.
 *
 * Invariants: a caller is answered only from a run that the store has confirmed, but for outcomes that the policy itself lets
 * settle later. A call whose caller has gone away is undone. Every call ends after a bounded number of commits.
 */

import { type Answer, gives, type Request, undo } from "../call.js";
import type { Clock } from "../clock.js";
import type { EntityKey } from "../key.js";
import type { Policy } from "../runtime/policy.js";
import { changes, type Store } from "../store/store.js";
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
}

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
  /** What guesses are made on. */
  readonly #scratch = new Transaction();
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
    if (answer.kind !== "report" || answer.report.settle !== "later") return undefined;
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
      this.#deferring.add(lane);
      if (this.#deferring.size === 1) this.#clock.after(this.#flushDelayMs, () => this.#flushDeferred(), true);
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
