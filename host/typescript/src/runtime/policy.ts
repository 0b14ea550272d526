/** Policies: configurations that the component has checked. */

import type {
  BreakerNodeResource,
  BreakerResource,
  LimiterNodeResource,
  LimiterResource,
  WitBreakerConfig,
  WitLimiterConfig,
} from "./guest.js";

/** A checked rate limiter's configuration. */
export class LimiterPolicy {
  readonly kind = "limiter";
  /** The instance that has it open. */
  instance: object | undefined;
  /** What it is there. It is freed when the policy is collected. */
  resource: LimiterResource | undefined;
  /**
   * The longest that a permit can count, in microseconds: asked of the component when it is opened.
   */
  countsForUs = Number.MAX_SAFE_INTEGER;

  constructor(
    readonly config: WitLimiterConfig,
    /** The share of each of this many hosts; undefined: all of it. */
    readonly hosts?: number,
  ) {}
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
