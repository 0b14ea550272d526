/** Policies: configurations that the component has checked. */

import type {
  BreakerNodeResource,
  BreakerResource,
  LimiterNodeResource,
  LimiterResource,
  WitBreakerConfig,
  WitLimiterConfig,
} from "./guest.js";
import type { Instance } from "./instance.js";

/** A checked rate limiter's configuration. */
export class LimiterPolicy {
  readonly kind = "limiter";
  /** The instance that has it open. */
  instance: Instance | undefined;
  /** What it is there. It is freed when the policy is collected. */
  resource: LimiterResource | undefined;

  constructor(readonly config: WitLimiterConfig) {}
}

/** A checked circuit breaker's configuration. */
export class BreakerPolicy {
  readonly kind = "breaker";
  /** The instance that has it open. */
  instance: Instance | undefined;
  /** What it is there. It is freed when the policy is collected. */
  resource: BreakerResource | undefined;

  constructor(readonly config: WitBreakerConfig) {}
}

/** A checked rate limiter node's configuration. */
export class LimiterNodePolicy {
  readonly kind = "limiterNode";
  /** The instance that has it open. */
  instance: Instance | undefined;
  /** What it is there. It is freed when the policy is collected. */
  resource: LimiterNodeResource | undefined;

  /** @param config JSON text */
  constructor(readonly config: string) {}
}

/** A checked circuit breaker node's configuration. */
export class BreakerNodePolicy {
  readonly kind = "breakerNode";
  /** The instance that has it open. */
  instance: Instance | undefined;
  /** What it is there. It is freed when the policy is collected. */
  resource: BreakerNodeResource | undefined;

  /** @param config JSON text */
  constructor(readonly config: string) {}
}

/** A checked configuration; which of an instance's resources it is, is the runtime's business. */
export type Policy = LimiterPolicy | BreakerPolicy | LimiterNodePolicy | BreakerNodePolicy;
