/** Runs the calls of a batch: before they are committed, and again where the store knew better. */

import { type Commit, type CommitCell, type Reply, readsOnly, type Seen } from "../store/store.js";
import type { AnyPolicy, AnyRequest } from "../strategy.js";
import type { Transaction } from "../transaction/transaction.js";
import type { Known } from "./known.js";
import type { Call, Lane } from "./lanes.js";
import type { Offset } from "./offset.js";
import type { LedgerStats } from "./stats.js";

/**
 * Runs a policy on the entity 0 of a transaction; its answer is what its strategy says. A run that
 * fails throws and leaves no trace in the transaction.
 */
export type Run = (policy: AnyPolicy, request: AnyRequest, transaction: Transaction) => unknown;

/** The answer of a call without a policy. */
export const DONE = "done";

/** Runs batches. */
export class Runs {
  readonly #run: Run;
  readonly #offset: Offset;
  readonly #stats: LedgerStats;

  constructor(run: Run, offset: Offset, stats: LedgerStats) {
    this.#run = run;
    this.#offset = offset;
    this.#stats = stats;
  }

  /** Runs all calls of the batch on what is known; what there is to commit then. */
  runAll(
    lane: Lane,
    transaction: Transaction,
    batch: readonly Call[],
    storeUs: number,
    refusedMs: number,
  ): Commit | undefined {
    const { known, entities } = lane;
    transaction.beginLoggedOn(known.timeAt(storeUs), entities, known.entity);
    transaction.refusedMs = refusedMs;
    for (const call of batch) this.#runOne(transaction, call);
    const { commit } = transaction;
    return commit !== undefined && commit.ops.length > 0 ? commit : undefined;
  }

  /** Takes the store's reply in. False: the calls have no answers yet, try again. */
  takeIn(lane: Lane, transaction: Transaction, batch: readonly Call[], reply: Reply, localUs: number): boolean {
    const { outcome, clockUs } = reply;
    this.#stats.foreign += reply.foreign;
    switch (outcome.kind) {
      case "untimely":
        this.#stats.untimely++;
        this.#offset.correct(clockUs, localUs);
        lane.known.mistimed(transaction.nowUs, clockUs);
        return false;
      case "refused": {
        this.#stats.refused++;
        this.#offset.learn(clockUs, localUs);
        const cells = transaction.refuse(outcome.values, clockUs, Number.POSITIVE_INFINITY);
        lane.known.entity = transaction.exchange(lane.known.entity);
        return this.#runOnTruth(lane, transaction, batch, cells, clockUs);
      }
      case "applied":
        this.#offset.learn(clockUs, localUs);
        this.confirm(transaction, batch, outcome.seen);
        takeOver(lane.known, transaction, batch);
        return true;
    }
  }

  /**
   * Runs a batch once more, at the very time at which the store refused its commit, on all that the
   * store told of the cells then. Where the runs read no other cell and change nothing, the store
   * would say the same of them, so they need not be committed: true. So whoever is to be denied
   * waits for no other host, however often the others change the entity.
   */
  #runOnTruth(
    lane: Lane,
    transaction: Transaction,
    batch: readonly Call[],
    cells: readonly CommitCell[],
    clockUs: number,
  ): boolean {
    const { known, entities } = lane;
    if (clockUs < known.seenUs) return false;
    transaction.beginLoggedOn(clockUs, entities, known.entity);
    for (const call of batch) this.#runOne(transaction, call);
    const { commit } = transaction;
    if (commit === undefined || !readsOnly(commit, cells)) return false;
    takeOver(known, transaction, batch);
    return true;
  }

  /** The runs of an applied commit hold, or are repeated on what the store knew. */
  confirm(transaction: Transaction, batch: readonly Call[], seen: readonly Seen[]): void {
    if (transaction.wasTold(seen)) return;
    this.#stats.reruns++;
    transaction.beginReplay(seen);
    this.#rerun(transaction, batch);
  }

  #runOne(transaction: Transaction, call: Call): void {
    try {
      call.answer = call.policy === undefined ? DONE : this.#run(call.policy, call.request, transaction);
    } catch (error) {
      call.answer = undefined;
      call.error = error;
    }
  }

  /**
   * Repeats the runs of an applied commit on what the store knew. What a policy does may not depend
   * on that; if it did all the same, the answers that the commit was made of are the ones to give.
   */
  #rerun(transaction: Transaction, batch: readonly Call[]): void {
    const before = batch.map(call => call.answer);
    // A run that failed has no part in the log, so it is not repeated either.
    for (const call of batch) if (call.answer !== undefined) this.#runOne(transaction, call);
    if (transaction.replayedAlike) return;
    this.#stats.diverged++;
    batch.forEach((call, index) => {
      call.answer = before[index];
    });
  }
}

/** What runs were told and did holds. */
function takeOver(known: Known, transaction: Transaction, batch: readonly Call[]): void {
  known.timed(transaction.nowUs);
  known.take(transaction, known.seenUs);
  known.refuses = isRefused(batch.at(-1));
}

function isRefused(call: Call | undefined): boolean {
  return call?.policy !== undefined && call.answer !== undefined && call.policy.strategy.refuses(call.answer);
}
