/** How a ledger works. */

import type { StoreListener, StoreWatchOptions } from "../away/state.js";
import type { SettingsListener } from "./notes.js";

/** The settings of a ledger. */
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

/** The settings with the defaults filled in. */
export type Settings = Required<Pick<LedgerOptions, "maxKnown" | "maxBatch" | "maxWaiting" | "maxAttempts">> & {
  readonly flushDelayMs: number;
  readonly maxStalenessMs: number;
};

/** Fills in the defaults. */
export function settingsOf(options: LedgerOptions): Settings {
  const { maxKnown = 65_536, maxBatch = 256, maxWaiting = 1_000_000, maxAttempts = 64, flushDelayMs = 20 } = options;
  const maxStalenessMs = Math.min(options.maxStalenessMs ?? MAX_STALENESS_MS, MAX_STALENESS_MS);
  return { maxKnown, maxBatch, maxWaiting, maxAttempts, flushDelayMs, maxStalenessMs };
}
