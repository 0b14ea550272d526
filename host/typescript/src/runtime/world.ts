/**
 * What a guest run sees: the host's side of `wit/kv.wit` and of the clock, which a transaction
 * implements.
 */

/** Who shares a cell. */
export type Scope = "shared" | "local";

/** A cell of an entity of the call. */
export interface Place {
  readonly entity: number;
  readonly field: number;
  readonly scope: Scope;
}

/**
 * The world of one call. Nothing here throws.
 *
 * A number that the component gives above 2^53 comes rounded to a double; none that a store can
 * hold is. So compare `step <= ceiling - base`, whose sides are exact, and not `base + step <=
 * ceiling`, which is not above 2^53.
 */
export interface World {
  /** The time of the transaction, in whole microseconds since 1970. */
  readonly nowUs: number;
  /** Whether the latest run named an entity that the call is not about. */
  readonly strayed: boolean;
  /** Marks the start of a run, to which `rollbackRun` goes back. */
  startRun(): void;
  /** Undoes all that the latest run did. */
  rollbackRun(): void;
  get(at: Place): string | undefined;
  observe(at: Place): string | undefined;
  put(at: Place, value: string | undefined, ttlMs: number): void;
  /**
   * Returns the verdict. The number that goes with it, the new one or the one that stood in the
   * way, is in `number` afterwards: so a decision allocates nothing for it.
   */
  advance(at: Place, step: number, floor: number, ceiling: number, ttlMs: number): boolean;
  /** The number that the last `advance` came to. */
  readonly number: number;
  retreat(at: Place, step: number, floor: number): number;
  raise(at: Place, to: number, ttlMs: number): number;
  /**
   * For how many whole milliseconds the call was tried in vain, because other hosts changed what
   * its runs had read.
   */
  readonly refusedMs: number;
}
