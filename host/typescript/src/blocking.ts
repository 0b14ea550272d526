/**
 * The same without promises, on the memory store. Nothing here waits: what would have to is
 * `decide`, which says for how long.
 */

import { type Ask, costOf, priorityOf, wholeOf } from "./ask.js";
import type { CircuitMode, CircuitPermit, Failure } from "./call.js";
import { type Clock, SystemClock } from "./clock.js";
import { MisuseError } from "./errors.js";
import { Tidegate as AsyncTidegate, type Stats } from "./gate.js";
import type { Given } from "./hoisted.js";
import { Memory } from "./store/memory.js";
import { Admission, permitIn } from "./strategies/circuit-breaker/admission.js";
import type { CircuitBreakerConfig } from "./strategies/circuit-breaker/config.js";
import type { CircuitBreaker as AsyncCircuitBreaker } from "./strategies/circuit-breaker/index.js";
import { callNow, isAsync, misused } from "./strategies/circuit-breaker/now.js";
import { COUNTING, type Counting, checkOperation, checkOptions } from "./strategies/circuit-breaker/options.js";
import type { CircuitReport } from "./strategies/circuit-breaker/report.js";
import type { OpenedLimiterConfig, RateLimiterConfig } from "./strategies/rate-limiter/config.js";
import type { Decision } from "./strategies/rate-limiter/decision.js";
import {
  type RateLimiter as AsyncRateLimiter,
  assertCharge,
  type Charge,
  type KeyedAsk,
} from "./strategies/rate-limiter/index.js";
import { peekRequest, refundRequest, tryAcquireRequest } from "./strategies/rate-limiter/requests.js";

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

/**
 * A handle on a rate limiter. All but `cancel` and `reset` throw a `CostNeverFitsError` for a cost
 * that never fits.
 */
export class RateLimiter {
  readonly #limiter: AsyncRateLimiter;

  /** @internal */
  constructor(limiter: AsyncRateLimiter) {
    this.#limiter = limiter;
  }

  /** The settings. */
  get config(): OpenedLimiterConfig {
    return this.#limiter.config;
  }

  /** Asks for permits now: allowed or denied, never a wait. */
  tryAcquire(key: string, ask?: Ask): Decision {
    const cost = costOf(ask);
    return this.#limiter.decideNow(key, cost, tryAcquireRequest(cost));
  }

  /** What {@link tryAcquire} would come to for each of these in turn, asked at one time. */
  tryAcquireMany(asks: Iterable<KeyedAsk>): PromiseSettledResult<Decision>[] {
    return this.#limiter.tryAcquireManyNow(asks);
  }

  /** Asks by the configured behaviour, or comes back with a ticket after `waitMs`. */
  decide(key: string, ask?: Ask, ticket = 0): Decision {
    const cost = costOf(ask);
    const back = wholeOf("ticket", ticket);
    return this.#limiter.decideNow(key, cost, { kind: "acquire", cost, priority: priorityOf(ask), ticket: back });
  }

  /** What {@link tryAcquire} would answer, without charging. */
  peek(key: string, ask?: Ask): Decision {
    const cost = costOf(ask);
    return this.#limiter.decideNow(key, cost, peekRequest(cost));
  }

  /** Gives back what a decision charged. */
  refund(key: string, decision: Charge, ask?: Ask): Decision {
    const cost = costOf(ask);
    assertCharge(decision);
    return this.#limiter.decideNow(key, cost, refundRequest(cost, decision));
  }

  /**
   * Charges what was used already, and is never refused: what does not fit is a debt that later
   * calls wait for.
   */
  charge(key: string, cost: number): Decision {
    const used = costOf({ cost });
    return this.#limiter.decideNow(key, used, { kind: "charge", cost: used });
  }

  /** Takes a waiter out of the queue; false: it was not in it. */
  cancel(key: string, ticket: number): boolean {
    const answer = this.#limiter.callNow(key, { kind: "cancelTicket", ticket: wholeOf("ticket", ticket) });
    return answer.kind === "wasWaiting" && answer.wasWaiting;
  }

  /** Forgets what was charged to a key. Those who wait keep their places. */
  reset(key: string): void {
    this.#limiter.callNow(key, { kind: "forget" });
  }
}

/** A handle on a circuit. */
export class CircuitBreaker {
  readonly #breaker: AsyncCircuitBreaker;
  readonly #clock: Clock;

  /** @internal */
  constructor(breaker: AsyncCircuitBreaker, clock: Clock) {
    this.#breaker = breaker;
    this.#clock = clock;
  }

  /** The settings. */
  get config(): CircuitBreakerConfig {
    return this.#breaker.config;
  }

  /** The circuit of the same settings for `key`. */
  keyed(key: string): CircuitBreaker {
    return new CircuitBreaker(this.#breaker.keyed(key), this.#clock);
  }

  /** Asks to make a call. Whoever is admitted hands the permit back with the outcome. */
  admit(): CircuitReport {
    return this.#breaker.admitNow();
  }

  /** The call succeeded, after `elapsedMs`. */
  succeeded(permit: CircuitPermit, elapsedMs: number): CircuitReport {
    return this.#breaker.askNow(this.#breaker.request("succeeded", permit, elapsedMs));
  }

  /** The call failed, after `elapsedMs`. */
  failed(permit: CircuitPermit, elapsedMs: number, failure: Failure): CircuitReport {
    return this.#breaker.askNow(this.#breaker.request("failed", permit, elapsedMs, failure));
  }

  /**
   * The call was not made or was given up after `elapsedMs`: no outcome, but that it was slow if it
   * took that long.
   */
  cancelled(permit: CircuitPermit, elapsedMs = 0): CircuitReport {
    return this.#breaker.askNow(this.#breaker.request("cancelled", permit, elapsedMs));
  }

  /** Reads the circuit and changes nothing. */
  status(): CircuitReport {
    return this.#breaker.askNow(this.#breaker.statusRequest);
  }

  /** Orders a mode; `normal` takes the order back. */
  setMode(mode: CircuitMode): CircuitReport {
    return this.#breaker.askNow(this.#breaker.modeRequest(mode));
  }

  /** Closes the circuit and clears its counts and back-off. */
  reset(): CircuitReport {
    return this.#breaker.askNow(this.#breaker.closeRequest);
  }

  /**
   * Makes a call through the circuit: throws a `CircuitOpenError` where it is refused, and records
   * its outcome. A generator that the operation returns is guarded to its end; a reader who stops
   * early has given the call up. What only somebody who waits can have is not guarded here: for a
   * promise, an async generator or a stream it throws a `MisuseError`, and nothing is counted.
   * `CircuitBreaker.call` of a {@link AsyncTidegate} is for those.
   */
  call<R>(operation: () => R, options: Counting<R> = {}): R {
    checkOperation(operation);
    checkOptions(options, COUNTING);
    if (isAsync(operation)) throw misused();
    const admit = () => {
      const report = this.admit();
      this.#breaker.assertAdmitted(report);
      return new Admission(this, permitIn(report), () => this.#clock.nowUs());
    };
    return callNow(this.#breaker.circuit, admit, operation, this.#breaker.counting(options));
  }
}
