/** Policies: configurations that the component has checked. */

import type { BreakerResource, LimiterResource, WitBreakerConfig, WitLimiterConfig } from "./guest.js";
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

/** A checked configuration; which of an instance's resources it is, is the runtime's business. */
export type Policy = LimiterPolicy | BreakerPolicy;
