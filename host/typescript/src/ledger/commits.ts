/**
 * One batch of calls on an entity: all run one after the other on what is known, and go out as one
 * commit. Where the store knew better, they run again.
 */

import type { StoreWatch } from "../away/watch.js";
import type { Clock } from "../clock.js";
import { ContendedError } from "../errors.js";
import { lateReply } from "../store/errors.js";
import type { Reply, Store } from "../store/store.js";
import { Transaction } from "../transaction/transaction.js";
import { type GiveWay, isConflict, widestUs } from "./contention.js";
import type { Known } from "./known.js";
import type { Call, Lane } from "./lanes.js";
import type { Offset } from "./offset.js";
import type { Pace } from "./pace.js";
import type { Runs } from "./runs.js";
import type { LedgerStats } from "./stats.js";

/**
 * What other hosts change is no pause of the store. A call leaves them their turn for this many of
 * the time limits of one, so that each host gets its own on a slow connection too.
 */
const WAITED_LIMITS = 4;
/** In place of an answer that will not come. */
const NO_REPLY = { outcome: { kind: "untimely" } } as const;

/** What batches are committed with. */
export interface CommitsParts {
  readonly runs: Runs;
  readonly offset: Offset;
  readonly watch: StoreWatch;
  readonly store: Store;
  readonly clock: Clock;
  readonly pace: Pace;
  readonly stats: LedgerStats;
  readonly maxAttempts: number;
  readonly giveWay: GiveWay;
  /** What else is done when the store has answered. */
  readonly answered: () => void;
  /** Takes back what a call was given whose caller has gone on without it. */
  readonly takeBack: (call: Call) => void;
}

/** Runs batches and commits them. */
export class Commits {
  readonly #runs: Runs;
  readonly #watch: StoreWatch;
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #pace: Pace;
  readonly #timeoutMs: number;
  readonly #stats: LedgerStats;
  readonly #maxAttempts: number;
  readonly #giveWay: GiveWay;
  readonly #answered: () => void;
  readonly #takeBack: (call: Call) => void;
  readonly #offset: Offset;
  /** Transactions that nobody uses. */
  readonly #idle: Transaction[] = [];
  /** The questions for the time of the store's parts, while they are open. */
  readonly #asking = new Map<number, Promise<number>>();

  constructor(parts: CommitsParts) {
    this.#runs = parts.runs;
    this.#offset = parts.offset;
    this.#watch = parts.watch;
    this.#store = parts.store;
    this.#clock = parts.clock;
    this.#pace = parts.pace;
    this.#timeoutMs = parts.store.timeoutMs ?? Number.POSITIVE_INFINITY;
    this.#stats = parts.stats;
    this.#maxAttempts = parts.maxAttempts;
    this.#giveWay = parts.giveWay;
    this.#answered = parts.answered;
    this.#takeBack = parts.takeBack;
  }

  /**
   * Gives each call of the batch its answer or error. On an error, which it returns, what is known
   * is forgotten. Never rejects.
   */
  async settle(lane: Lane, batch: readonly Call[]): Promise<unknown> {
    const transaction = this.#idle.pop() ?? new Transaction();
    lane.known.lastRefusal = undefined;
    let failure: unknown;
    try {
      await this.#commit(lane, transaction, batch);
    } catch (error) {
      failure = error;
      lane.known.forget();
    }
    lane.known.lastRefusal = undefined;
    const late = failure === undefined ? undefined : lateReply(failure);
    if (late !== undefined) void this.#awaitLate(transaction, batch.slice(), late);
    else this.#idle.push(transaction);
    if (failure !== undefined) for (const call of batch) call.fail(failure);
    return failure;
  }

  /**
   * Takes back what the store has done for calls that have stopped waiting, when its answer comes.
   */
  async #awaitLate(transaction: Transaction, batch: readonly Call[], late: Promise<Reply>): Promise<void> {
    const answers = batch.map(call => call.answer);
    const { outcome } = await late.catch(() => NO_REPLY);
    if (outcome.kind === "applied") {
      batch.forEach((call, index) => {
        call.answer = answers[index];
      });
      this.#runs.confirm(transaction, batch, outcome.seen);
      for (const call of batch) this.#takeBack(call);
    }
    this.#idle.push(transaction);
  }

  async #commit(lane: Lane, transaction: Transaction, batch: readonly Call[]): Promise<void> {
    const { known, shard } = lane;
    let leftUs = WAITED_LIMITS * this.#timeoutMs * 1_000;
    const beganUs = this.#clock.nowUs();
    for (let attempt = 0; attempt < this.#maxAttempts; attempt++) {
      if (leftUs <= 0) throw this.#contended(attempt);
      if (attempt > 0 && known.contention.isFelt) leftUs -= await this.#leaveTurn(known);
      const startUs = this.#clock.nowUs();
      const storeUs = this.#offset.storeUs(startUs) ?? (await this.#askTime(lane));
      const refusedMs = attempt > 0 ? Math.max(Math.floor((startUs - beganUs) / 1_000), 0) : 0;
      const commit = this.#runs.runAll(lane, transaction, batch, storeUs, refusedMs);
      // What only local cells were asked for is done. Their lease, if there is one, goes on.
      if (commit === undefined) return known.take(transaction, known.seenUs);
      this.#assertAvailable(shard);
      this.#stats.commits++;
      known.isInDoubt = transaction.hasChangedLocal;
      const round = this.#watch.roundOf(shard);
      let reply: Reply;
      try {
        reply = await this.#store.commit(commit);
      } catch (error) {
        return this.#failed(shard, error, round, startUs);
      }
      known.isInDoubt = false;
      const nowUs = this.#clock.nowUs();
      this.#pace.answered(nowUs, nowUs - startUs);
      // A refused commit has only been read: on a replica that would fail on what comes next it
      // succeeds as well.
      this.#watch.answered(shard, reply.outcome.kind === "applied" ? commit : undefined);
      const hasMet = isConflict(commit, reply.outcome);
      const isDone = this.#runs.takeIn(lane, transaction, batch, reply, nowUs);
      if (hasMet) known.contention.met(nowUs, nowUs - startUs, widestUs(this.#store.timeoutMs), isDone);
      if (isDone) {
        this.#stats.mostAttempts = Math.max(this.#stats.mostAttempts, attempt + 1);
        if (!hasMet) known.contention.won(() => this.#clock.nowUs());
        this.#answered();
        return;
      }
    }
    throw this.#contended(this.#maxAttempts);
  }

  #contended(attempts: number): ContendedError {
    this.#stats.contended++;
    return new ContendedError(attempts);
  }

  /** Leaves other hosts their turn, and tells for how many microseconds. */
  async #leaveTurn({ contention }: Known): Promise<number> {
    const nowUs = this.#clock.nowUs();
    await this.#giveWay(contention, nowUs);
    // What is longer is something else that this process was busy with.
    return Math.min(Math.max(this.#clock.nowUs() - nowUs, 0), widestUs(this.#store.timeoutMs));
  }

  /** What a commit that failed says of the store. */
  #failed(shard: number, error: unknown, round: number, startUs: number): never {
    const nowUs = this.#clock.nowUs();
    this.#pace.failed(nowUs, nowUs - startUs);
    this.#watch.failed(shard, error, round);
    throw error;
  }

  #assertAvailable(shard: number): void {
    if (this.#watch.turnsAway(shard)) throw this.#watch.refusal(shard);
  }

  /**
   * The time to run at: the store's clock, which is asked for its time once, when nothing is known
   * of it.
   */
  async #askTime(lane: Lane): Promise<number> {
    const { shard, entity } = lane;
    this.#assertAvailable(shard);
    let asking = this.#asking.get(shard);
    if (asking === undefined) {
      const round = this.#watch.roundOf(shard);
      const failed = (error: unknown) => {
        this.#watch.failed(shard, error, round);
        throw error;
      };
      asking = this.#store.timeUs(entity).catch(failed);
      this.#asking.set(shard, asking);
    }
    try {
      const storeUs = await asking;
      this.#offset.learn(storeUs, this.#clock.nowUs());
      this.#watch.answered(shard, undefined);
      return storeUs;
    } finally {
      this.#asking.delete(shard);
    }
  }
}
