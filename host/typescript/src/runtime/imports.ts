/**
 * What the component imports, as jco presents it, tuned: a u64 is a number. Imports go by their
 * names with and without the version, because jco's types name them with it and its code looks them
 * up without.
 */

import type { Place } from "./world.js";

/** `kv`, but for `advance`: it returns the verdict and leaves its number in `number`. */
export interface Kv {
  number: number;
  get(at: Place): string | undefined;
  observe(at: Place): string | undefined;
  put(at: Place, value: string | undefined, ttlMs: number): void;
  advance(at: Place, step: number, floor: number, ceiling: number, ttlMs: number): boolean;
  retreat(at: Place, step: number, floor: number): number;
  raise(at: Place, to: number, ttlMs: number): number;
  refusedMs(): number;
}

/** A time as the component reads it. */
export interface Datetime {
  seconds: number;
  nanoseconds: number;
}

/** `wasi:clocks/wall-clock`. */
export interface WallClock {
  now(): Datetime;
  resolution(): Datetime;
}

/** All that the component imports. */
export interface Imports {
  readonly "tidegate:policy/kv": Kv;
  readonly "tidegate:policy/kv@0.1.0": Kv;
  readonly "wasi:clocks/wall-clock": WallClock;
  readonly "wasi:clocks/wall-clock@0.2.4": WallClock;
}
