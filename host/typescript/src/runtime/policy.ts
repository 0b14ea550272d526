/** Policies: configurations that the component has checked. */

import type {
  BreakerNodeResource,
  BreakerResource,
  LimiterNodeResource,
  LimiterResource,
  WitBreakerConfig,
  WitLimit,
  WitLimiterConfig,
} from "./guest.js";

/** A checked rate limiter's configuration. */
export class LimiterPolicy {
  readonly kind = "limiter";
  /** The instance that has it open. */
  instance: object | undefined;
  /** What it is there. It is freed when the policy is collected. */
  resource: LimiterResource | undefined;

  constructor(
    readonly config: WitLimiterConfig,
    /** The share of each of so many hosts; undefined: all of it. */
    readonly hosts?: number,
  ) {}

  /** For how long a permit can count at most, in microseconds. */
  get longestUs(): number {
    return Math.max(...this.config.limits.map(longestUs));
  }
}

const UNITS_US = { millisecond: 1e3, second: 1e6, minute: 60e6, hour: 3_600e6, day: 86_400e6 } as const;

/**
 * A permit counts for a window; in one of which a part leaves whole, or that is aligned, for up to
 * two; in a bucket until all that it can hold has run out.
 */
function longestUs({ limit, window, algorithm }: WitLimit): number {
  const windowUs = UNITS_US[window.unit] * window.count;
  if (algorithm.tag === "sliding-log") return windowUs;
  if (algorithm.tag !== "gcra" && algorithm.tag !== "token-bucket") return 2 * windowUs;
  return windowUs * Math.ceil((algorithm.val.burst ?? limit) / limit);
}

/** A checked circuit breaker's configuration. */
export class BreakerPolicy {
  readonly kind = "breaker";
  /** The instance that has it open. */
  instance: object | undefined;
  /** What it is there. It is freed when the policy is collected. */
  resource: BreakerResource | undefined;

  constructor(readonly config: WitBreakerConfig) {}
}

/** A checked rate limiter node's configuration. */
export class LimiterNodePolicy {
  readonly kind = "limiterNode";
  /** The instance that has it open. */
  instance: object | undefined;
  /** What it is there. It is freed when the policy is collected. */
  resource: LimiterNodeResource | undefined;

  /** @param config JSON text */
  constructor(readonly config: string) {}
}

/** A checked circuit breaker node's configuration. */
export class BreakerNodePolicy {
  readonly kind = "breakerNode";
  /** The instance that has it open. */
  instance: object | undefined;
  /** What it is there. It is freed when the policy is collected. */
  resource: BreakerNodeResource | undefined;

  /** @param config JSON text */
  constructor(readonly config: string) {}
}

/** A checked configuration; which of an instance's resources it is, is the runtime's business. */
export type Policy = LimiterPolicy | BreakerPolicy | LimiterNodePolicy | BreakerNodePolicy;
