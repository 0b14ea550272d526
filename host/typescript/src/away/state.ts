/** Whether a shared store can be asked, as far as this host knows, and how it tells of changes. */

/**
 * Whether a shared store can be asked. `unknown`: it has not answered yet. `available`: it has.
 * `away`: this many rounds failed in a row that nothing is sent before the next probe. `probing`: a
 * probe is on its way.
 */
export type StoreState = "unknown" | "available" | "away" | "probing";

/** A change of a store's state. That a store answers for the first time is not told as one. */
export interface StoreChange {
  /** The state before. */
  readonly before: StoreState;
  /** The state after. */
  readonly after: StoreState;
  /** Why: what the last failure said, or what has ended it. */
  readonly cause: string;
  /**
   * Which part of the store: 0, or in a Redis Cluster the 256 slots from `256 * shard`, since one
   * node may be away alone.
   */
  readonly shard: number;
}

/** When a store is taken to be away, and when it is tried again. */
export interface StoreWatchOptions {
  /**
   * After this many failed rounds in a row; 1 to 1,000,000, 3 unless set. Failures of operations
   * that were sent before the first of them was known are one round. Three refused attempts to
   * connect in a row are enough, whatever is set.
   */
  readonly failures?: number | undefined;
  /**
   * The first probe comes after this many milliseconds; 1 to 2,592,000,000 (30 days), 500 unless
   * set.
   */
  readonly openMs?: number | undefined;
  /**
   * Each failed probe doubles that time, up to this; at least `openMs`, 5,000 or `openMs`, the
   * more, unless set.
   */
  readonly capMs?: number | undefined;
}

/** What happens when the state changes. */
export type StoreListener = (change: StoreChange) => unknown;
