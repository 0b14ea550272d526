/** Rate limiter settings. */

import { declared } from "../../declared.js";
import { SETTINGS } from "../../settings.generated.js";
import type { WhenAway } from "../../when-away.js";
import { readLimit } from "./limit-text.js";
import type { WindowUnit } from "./window.js";
import type { WitAlgorithm, WitLimit, WitLimiterConfig, WitOnLimit } from "./wit.js";

/**
 * How permits are counted. In the promises A(D) is the number of permits admitted in any half-open
 * span of time of length D, W the window and L the limit.
 *
 * - `sliding-window`: `A(W) <= L`, a strict sliding window in bounded state. Permits that follow
 *   each other are a group, which leaves W after its last permit; it ends after `W / subWindows` (1
 *   to 100, 64 unless set) or `L / 128` permits, whichever is first. Below 256 that is each permit,
 *   so it admits exactly what `sliding-log` does; above, by the default, at least 0.985 of that.
 * - `gcra`: `A(D) <= burst + D * L / W`, the generic cell rate algorithm. `burst` is what an idle
 *   key can spend at once, the limit unless set; with 1, permits are evenly spaced.
 * - `token-bucket`: a bucket of `burst` tokens that refills continuously. Decides as `gcra` does.
 * - `fixed-window`: `A(W) <= L` in each window aligned to 1970, so `A(W) <= 2 * L`.
 * - `sliding-window-counter`: aligned windows, weighted with the one before: `A(W) <= 2 * L - 1`,
 *   and close to L for even traffic.
 * - `sliding-log`: `A(W) <= L`, each permit coming back exactly W after it was given, at a cost
 *   that grows with L; at most 10,000.
 */
export type Algorithm =
  | { readonly name: "sliding-window"; readonly subWindows?: number | undefined }
  | { readonly name: "gcra" | "token-bucket"; readonly burst?: number | null | undefined }
  | { readonly name: "fixed-window" | "sliding-window-counter" | "sliding-log" };

/** At most `limit` permits in a window of `windowCount` units. */
export interface Limit {
  /**
   * Permits; 0 to 4,294,967,295. For GCRA and token bucket at most 1,000,000 in a second. 0: every
   * call is denied, and told no time to come back at.
   */
  readonly limit: number;
  /** The unit of the window's length. */
  readonly window: WindowUnit;
  /** How many units; 1 unless set. The window is 1 ms to 366 days. */
  readonly windowCount?: number | undefined;
  /** How permits are counted; the strict sliding window unless set. */
  readonly algorithm?: Algorithm | undefined;
}

/** At most N permits in every second. */
export const perSecond = (limit: number): Limit => ({ limit, window: "second" });
/** At most N permits in every minute. */
export const perMinute = (limit: number): Limit => ({ limit, window: "minute" });
/** At most N permits in every hour. */
export const perHour = (limit: number): Limit => ({ limit, window: "hour" });
/** At most N permits in every day of 24 hours. */
export const perDay = (limit: number): Limit => ({ limit, window: "day" });

/**
 * What happens to a call that is over a limit.
 *
 * - `reject`: it is denied.
 * - `delay`: it is given the next free place, and told when that is. A place further away than
 *   `maxWaitMs` (1 to 86,400,000) is not given.
 * - `queue`: it waits in a queue shared by all hosts on the store, of `maxSize` (1 to 10,000), for
 *   `timeoutMs` at most (1 to 86,400,000): higher priority first, then who came first. A waiter
 *   that is later than `graceMs` at the time it was told is passed over until it comes; 1,000 or
 *   `timeoutMs`, the less, unless set.
 */
export type OnLimit =
  | { readonly behavior: "reject" }
  | { readonly behavior: "delay"; readonly maxWaitMs: number }
  | {
      readonly behavior: "queue";
      readonly maxSize: number;
      readonly timeoutMs: number;
      readonly graceMs?: number | null | undefined;
    };

/**
 * Permits that a host takes from the shared limits in one charge and spends on its own: what it
 * holds costs no round trip.
 *
 * How many it takes adapts to the key: a key's first call takes no more than its own, each lease
 * that was spent in time doubles the next, and no host takes more than a quarter of what the limits
 * admit at once. What is left when a lease ends is given back. Leases never over-admit: for that,
 * GCRA and token bucket work with a burst that is smaller by what comes back in `lifeMs`, and with
 * the sliding window and the log every permit counts so much longer. A host that dies strands one
 * lease at most.
 *
 * All hosts of a limiter must be configured alike. On the memory store there is no round trip to
 * save, and no lease is taken.
 */
export interface Lease {
  /** The most permits that a host takes at once; 2 to 1,000,000. */
  readonly maxPermits: number;
  /** How long it may hold them, in milliseconds; 1 to 60,000. */
  readonly lifeMs: number;
}

/** A rate limiter's settings; the same JSON as in every language. */
export interface RateLimiterConfig {
  /** Limiters of the same name on the same store share the state of their keys. Any text. */
  readonly name: string;
  /**
   * The limits of one key, 1 to 8: a call needs room in all of them and is charged in all or none.
   * Each may be a text such as `"10/second"`, `"100/5minutes"` or `"1000 per day"`.
   */
  readonly limits: readonly (Limit | string)[];
  /** What to do with a call over a limit; it is denied unless set. */
  readonly onLimit?: OnLimit | undefined;
  /**
   * Permits to hold in advance, only where a call over a limit is denied; unless set, every call is
   * charged by itself.
   */
  readonly lease?: Lease | null | undefined;
  /** What to answer while the store is away; an error unless set. */
  readonly whenAway?: WhenAway | undefined;
}

/** The settings of a limiter, with no limit as text. */
export interface OpenedLimiterConfig extends RateLimiterConfig {
  readonly limits: readonly Limit[];
}

/** Settings of the right shape, with no limit as text. */
export function withLimits(config: RateLimiterConfig): OpenedLimiterConfig {
  const limits = config.limits.map(limit => (typeof limit === "string" ? (readLimit(limit) as Limit) : limit));
  return { ...config, limits };
}

/** The shape of the settings. */
export const checkLimiter = declared(SETTINGS["rate-limiter"]);

/** The settings as the component takes them, with the defaults filled in. */
export function witLimiter({ limits, onLimit = { behavior: "reject" }, lease }: OpenedLimiterConfig): WitLimiterConfig {
  return { limits: limits.map(witLimit), onLimit: witOnLimit(onLimit), lease: lease ? { ...lease } : undefined };
}

function witLimit({ limit, window, windowCount = 1, algorithm = { name: "sliding-window" } }: Limit): WitLimit {
  return { limit, window: { unit: window, count: windowCount }, algorithm: witAlgorithm(algorithm) };
}

function witAlgorithm(algorithm: Algorithm): WitAlgorithm {
  switch (algorithm.name) {
    case "sliding-window":
      return { tag: algorithm.name, val: { subWindows: algorithm.subWindows ?? 64 } };
    case "gcra":
    case "token-bucket":
      return { tag: algorithm.name, val: { burst: algorithm.burst ?? undefined } };
    default:
      return { tag: algorithm.name };
  }
}

function witOnLimit(onLimit: OnLimit): WitOnLimit {
  switch (onLimit.behavior) {
    case "delay":
      return { tag: "delay", val: { maxWaitMs: onLimit.maxWaitMs } };
    case "queue": {
      const { maxSize, timeoutMs, graceMs } = onLimit;
      const grace = graceMs ?? Math.min(Math.max(timeoutMs, 1), 1_000);
      return { tag: "queue", val: { maxSize, timeoutMs, graceMs: grace } };
    }
    default:
      return { tag: "reject" };
  }
}
