/** Answers that need no store: what is known proves them, or this host holds a lease. */

import type { AnyPolicy, AnyRequest } from "../strategy.js";
import { Transaction } from "../transaction/transaction.js";
import type { Lane } from "./lanes.js";
import type { Run } from "./runs.js";
import type { LedgerStats } from "./stats.js";

/**
 * For how long a refusal is given again as it was, in microseconds. Its times are rounded up to
 * milliseconds, so within one it says the same.
 */
const SAME_US = 1_000;

/** Answers from what this host has. */
export class Local {
  readonly #run: Run;
  readonly #stats: LedgerStats;
  readonly #maxStalenessUs: number;
  readonly #transaction = new Transaction();

  /** @param maxStalenessUs how old what is known may be to refuse a call on, in microseconds */
  constructor(run: Run, stats: LedgerStats, maxStalenessUs: number) {
    this.#run = run;
    this.#stats = stats;
    this.#maxStalenessUs = maxStalenessUs;
  }

  /**
   * The answer to a call, where the store needs not be asked for it.
   *
   * A run that asks no shared cell spends a lease, which this host has charged already. A run that
   * changes nothing and refuses the call has read values and met numbers that stood in its way.
   * Numbers only grow where hosts admit calls, so what was in the way still is; a refund, a reset
   * or an eviction can take it away, and a value can be replaced. So a refusal is given on what the
   * store has confirmed, and for a bounded time only. Nothing is admitted by it, so no promise
   * depends on it.
   */
  answer(lane: Lane, policy: AnyPolicy, request: AnyRequest, storeUs: number | undefined): unknown {
    const { known } = lane;
    // While a batch is on its way, it is the one that has the lease.
    const mayHold = !lane.isOnItsWay && known.mayHold;
    if (storeUs === undefined || !(known.refuses || mayHold) || !policy.strategy.gives(request)) return undefined;
    const isFresh = known.refuses && storeUs - known.behindUs - known.seenUs < this.#maxStalenessUs;
    if (isFresh) {
      const { lastRefusal: last } = known;
      if (last?.policy === policy && last.request === request && Math.abs(storeUs - last.atUs) < SAME_US) {
        this.#stats.local++;
        return last.answer;
      }
    } else if (!mayHold) {
      return undefined;
    }
    return this.#find(lane, policy, request, storeUs, isFresh);
  }

  #find(lane: Lane, policy: AnyPolicy, request: AnyRequest, storeUs: number, isFresh: boolean): unknown {
    const { known } = lane;
    const transaction = this.#transaction;
    transaction.beginDirect(Math.max(storeUs, known.seenUs), known.entity);
    let answer: unknown;
    try {
      answer = this.#run(policy, request, transaction);
    } catch {
      // It fails again where somebody waits for it, or it does not.
      return undefined;
    }
    if (!transaction.hasAskedShared && !lane.isOnItsWay && !transaction.isUnchanged) {
      this.#stats.leased++;
      return answer;
    }
    // Until the next batch there is no lease for such a call.
    if (transaction.hasAskedShared) known.mayHold = false;
    if (isFresh && transaction.isUnchanged && policy.strategy.refuses(answer)) {
      this.#stats.local++;
      known.lastRefusal = { policy, request, answer, atUs: storeUs };
      return answer;
    }
    transaction.rollbackRun();
    return undefined;
  }
}
