/** What a ledger has done so far. */
export interface LedgerStats {
  /** Commits sent. */
  commits: number;
  /** Commits refused because the store knew better. */
  refused: number;
  /** Commits at a time ahead of the store's clock or too far behind it. */
  untimely: number;
  /** Commits applied on other numbers than known, whose runs were repeated. */
  reruns: number;
  /** Repeated runs that did something else: a defect of a policy. */
  diverged: number;
  /** Stored values that were not ours. */
  foreign: number;
  /** Batches given up. */
  contended: number;
  /** The most commits that any batch took until it was applied. */
  mostAttempts: number;
  /** Outcomes that settled later. */
  deferred: number;
  /** Calls nobody waited for that failed. */
  lost: number;
  /** Calls refused on what was known. */
  local: number;
  /** Calls let go on a lease. */
  leased: number;
  /** Operations that were not sent because the store was known to be away. */
  watchRefused: number;
  /** Calls that were answered without the store because it was away. */
  degraded: number;
  /**
   * Permits let go while the store was away and charged when it was back, as far as there was room.
   */
  posted: number;
}

export function newStats(): LedgerStats {
  return {
    commits: 0,
    refused: 0,
    untimely: 0,
    reruns: 0,
    diverged: 0,
    foreign: 0,
    contended: 0,
    mostAttempts: 0,
    deferred: 0,
    lost: 0,
    local: 0,
    leased: 0,
    watchRefused: 0,
    degraded: 0,
    posted: 0,
  };
}
