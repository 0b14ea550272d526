/** Answers that need no store: what is known proves them, or this host holds a lease. */

import { type Answer, gives, type Request, refuses } from "../call.js";
import type { Policy } from "../runtime/policy.js";
import { Transaction } from "../transaction/transaction.js";
import type { Lane } from "./lanes.js";
import type { Run } from "./settler.js";
import type { LedgerStats } from "./stats.js";

/**
 * For how long a refusal is told again as it was, in microseconds. Its times are rounded up to
 * milliseconds, so within one it says the same.
 */
const SAME_US = 1_000;

/** Answers from what this host has. */
export class Here {
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
  answer(lane: Lane, policy: Policy, request: Request, storeUs: number | undefined): Answer | undefined {
    const { known } = lane;
    // While a batch is on its way, it is the one that has the lease.
    const mayHold = !lane.isOnItsWay && known.mayHold;
    if (storeUs === undefined || !(known.refuses || mayHold) || !gives(request)) return undefined;
    const isFresh = known.refuses && storeUs - known.behindUs - known.seenUs < this.#maxStalenessUs;
    if (isFresh) {
      const { told } = known;
      if (told?.policy === policy && told.request === request && Math.abs(storeUs - told.atUs) < SAME_US) {
        this.#stats.local++;
        return told.answer;
      }
    } else if (!mayHold) {
      return undefined;
    }
    return this.#find(lane, policy, request, storeUs, isFresh);
  }

  #find(lane: Lane, policy: Policy, request: Request, storeUs: number, isFresh: boolean): Answer | undefined {
    const { known } = lane;
    const transaction = this.#transaction;
    transaction.beginDirect(Math.max(storeUs, known.seenUs), known.entity);
    let answer: Answer;
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
    if (isFresh && transaction.isUnchanged && refuses(answer)) {
      this.#stats.local++;
      known.told = { policy, request, answer, atUs: storeUs };
      return answer;
    }
    transaction.rollbackRun();
    return undefined;
  }
}
