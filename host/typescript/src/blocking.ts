/**
 * The same without promises, on the memory store. Nothing here waits: what would have to is
 * `decide`, which says for how long.
 */

import { type Clock, SystemClock } from "./clock.js";
import { MisuseError } from "./errors.js";
import { Tidegate as AsyncTidegate, type Stats } from "./gate.js";
import type { Given } from "./hoisted.js";
import { Memory } from "./store/memory.js";
import { CircuitBreaker } from "./strategies/circuit-breaker/blocking.js";
import type { CircuitBreakerConfig } from "./strategies/circuit-breaker/config.js";
import { RateLimiter } from "./strategies/rate-limiter/blocking.js";
import type { RateLimiterConfig } from "./strategies/rate-limiter/config.js";

export { CircuitBreaker, RateLimiter };

/** The settings of a {@link Tidegate}. */
export interface TidegateOptions {
  /** Where the state lives, which others may share; a memory of its own unless set. */
  readonly store?: Memory | undefined;
  /** Tells the time; the system's clock unless set. */
  readonly clock?: Clock | undefined;
}

/** Resilience policies on the memory store. */
export class Tidegate {
  readonly #gate: AsyncTidegate;
  readonly #clock: Clock;

  constructor({ store = new Memory(), clock = new SystemClock() }: TidegateOptions = {}) {
    if (!(store instanceof Memory)) throw new MisuseError("only the memory store can be called without waiting");
    this.#gate = new AsyncTidegate({ store, clock });
    this.#clock = clock;
  }

  /** Opens a rate limiter; throws a `ConfigError` with all that is wrong with the settings. */
  rateLimiter<const C>(config: Given<C, RateLimiterConfig>): RateLimiter {
    return new RateLimiter(this.#gate.rateLimiter(config));
  }

  /** Opens a circuit breaker; throws a `ConfigError` with all that is wrong with the settings. */
  circuitBreaker<const C>(config: Given<C, CircuitBreakerConfig>): CircuitBreaker {
    return new CircuitBreaker(this.#gate.circuitBreaker(config), this.#clock);
  }

  /** What it has done so far. */
  stats(): Stats {
    return this.#gate.stats();
  }
}
