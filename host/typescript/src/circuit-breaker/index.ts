/** Circuit breaker. */

import { keyOf, wholeOf } from "../ask.js";
import type { Answer, CircuitMode, CircuitPermit, Failure, Request } from "../call.js";
import { assertShape, asWritten, type Check, flag, listOf, object, text, u32, u53 } from "../config.js";
import type { Core } from "../core.js";
import { CircuitOpenError, ConfigError, MisuseError } from "../errors.js";
import { Namespace } from "../key.js";
import { Refused } from "../runtime/index.js";
import type { BreakerPolicy } from "../runtime/policy.js";
import { orAborted, type Signal } from "../signal.js";
import { CircuitAway, degradedPermit } from "./away.js";
import { type CircuitBreakerConfig, checkBreaker, checkMode, witBreaker } from "./config.js";
import { errorsOf, failureOf, MOST_ERRORS } from "./failure.js";
import { CircuitBreakerPermit } from "./permit.js";
import { type CircuitReport, reportOf } from "./report.js";

/** How a guarded call is made. */
export interface CallOptions {
  /**
   * Gives the call up: it has no outcome then, its permit goes back, and the promise rejects with the signal's reason. What
   * the operation still does is nobody's; hand it the same signal.
   */
  readonly signal?: Signal | undefined;
  /** What an error counts by; {@link failureOf} unless set. */
  readonly failureOf?: ((error: unknown) => Failure) | undefined;
}

/** How a wrapped function is guarded. */
export interface GuardOptions<A extends readonly unknown[]> {
  /** Which circuit of {@link CircuitBreaker.keyed}, by a call's arguments; this one unless set. */
  readonly key?: ((...args: A) => string) | undefined;
  /** Gives a call up: one signal for all calls, or that of a call's arguments. */
  readonly signal?: Signal | ((...args: A) => Signal | undefined) | undefined;
  /** What an error counts by; {@link failureOf} unless set. */
  readonly failureOf?: ((error: unknown) => Failure) | undefined;
}

const ADMIT: Request = { kind: "admit" };
const STATUS: Request = { kind: "status" };
const CLOSE: Request = { kind: "close" };

const checkPermit = object({ generation: u53, admittedAtUs: u53, probe: u32 }, { degraded: flag });
/** A failure whose causes are failures, as far down as they are looked at: one may be its own cause. */
const checkFailure = Array.from({ length: MOST_ERRORS }).reduce<Check>(
  below => object({ name: text, message: text, code: text }, { status: text, causes: listOf(below) }),
  () => {},
);

/** Whether it has the three numbers of a permit. Looking closer, at fields that do not belong there, is for one that has not. */
function isPermit(permit: CircuitPermit | undefined | null): boolean {
  if (typeof permit !== "object" || permit === null) return false;
  const { generation, admittedAtUs, probe } = permit;
  return isWhole(generation) && isWhole(admittedAtUs) && probe >>> 0 === probe;
}

function isWhole(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

/** What all handles on the circuits of one configuration share. */
interface Circuits {
  readonly core: Core;
  readonly policy: BreakerPolicy;
  readonly namespace: Namespace;
  readonly config: CircuitBreakerConfig;
  readonly away: CircuitAway;
}

function open(core: Core, config: CircuitBreakerConfig): Circuits {
  const what = (name: unknown) => `circuit breaker ${JSON.stringify(name)}`;
  assertShape(checkBreaker, config, what);
  const policy = core.runtime.openBreaker(witBreaker(config));
  if (policy instanceof Refused) throw new ConfigError(what(config.name), policy.problems.map(asWritten));
  const namespace = new Namespace("cb", config.name);
  const away = new CircuitAway(core, namespace, policy, config.whenAway ?? "error");
  return { core, policy, namespace, config: JSON.parse(JSON.stringify(config)), away };
}

/**
 * A handle on a circuit. It holds no state of it; handles of the same name and key on the same store are one circuit, in
 * whatever process and language.
 *
 * All promises reject with a {@link StoreError} or a {@link ContendedError} where a shared store gave no answer.
 */
export class CircuitBreaker {
  readonly #circuits: Circuits;
  /** Which of the circuits of this name; empty: the one without a key. */
  readonly #key: string;

  private constructor(circuits: Circuits, key: string) {
    this.#circuits = circuits;
    this.#key = key;
  }

  /** @internal */
  static open(core: Core, config: CircuitBreakerConfig): CircuitBreaker {
    return new CircuitBreaker(open(core, config), "");
  }

  /** The circuit of the same settings for `key`, such as one host of several. */
  keyed(key: string): CircuitBreaker {
    return new CircuitBreaker(this.#circuits, keyOf(key));
  }

  /** The settings. */
  get config(): CircuitBreakerConfig {
    return this.#circuits.config;
  }

  /**
   * Asks to make a call. Whoever is admitted hands the permit back with the outcome, by {@link succeeded}, {@link failed} or
   * {@link cancelled}; {@link call} does all that.
   */
  admit(options?: { readonly signal?: Signal | undefined }): Promise<CircuitReport> {
    const signal = options?.signal;
    if (signal?.aborted) return Promise.reject(signal.reason);
    try {
      if (this.#circuits.core.memory !== undefined) return Promise.resolve(this.admitNow());
    } catch (error) {
      return Promise.reject(error);
    }
    return this.#admitShared(signal);
  }

  /** The call succeeded, after `elapsedMs`. While the circuit is closed, a shared store is told in the background. */
  succeeded(permit: CircuitPermit, elapsedMs: number): Promise<CircuitReport> {
    return this.#record(() => this.request("succeeded", permit, elapsedMs));
  }

  /** The call failed, after `elapsedMs`. When this resolves, every host sees it. */
  failed(permit: CircuitPermit, elapsedMs: number, failure: Failure): Promise<CircuitReport> {
    return this.#record(() => this.request("failed", permit, elapsedMs, failure));
  }

  /**
   * The call was not made, or was given up after `elapsedMs`: no outcome. Where there is a `slowRate` and it took at least that
   * long, it counts as slow; a slow probe has failed.
   */
  cancelled(permit: CircuitPermit, elapsedMs = 0): Promise<CircuitReport> {
    return this.#record(() => this.request("cancelled", permit, elapsedMs));
  }

  /** Reads the circuit and changes nothing. */
  status(): Promise<CircuitReport> {
    return this.#ask(() => STATUS);
  }

  /**
   * Orders a mode for all hosts; `normal` takes the order back. An order that no call asks after for 30 days is forgotten. The
   * circuit is closed and its counts are cleared.
   */
  setMode(mode: CircuitMode): Promise<CircuitReport> {
    return this.#ask(() => this.modeRequest(mode));
  }

  /** Closes the circuit and clears its counts and back-off. An ordered mode stays. */
  reset(): Promise<CircuitReport> {
    return this.#ask(() => CLOSE);
  }

  /**
   * As {@link admit}, giving the admitted call as a thing that ends by leaving the scope of `await using`.
   *
   * @throws {CircuitOpenError} when the circuit refused the call
   */
  async permit(options?: { readonly signal?: Signal | undefined }): Promise<CircuitBreakerPermit> {
    const report = await this.admit(options);
    this.assertAdmitted(report);
    const { clock } = this.#circuits.core;
    return new CircuitBreakerPermit(this, report, () => clock.nowUs());
  }

  /**
   * Makes a call through the circuit: fails fast where it is refused, and records its outcome. What `operation` throws counts
   * by its name, message and code, and is thrown on.
   *
   * @throws {CircuitOpenError} when the circuit refused the call
   */
  async call<R>(operation: () => R | PromiseLike<R>, options?: CallOptions): Promise<R> {
    const signal = options?.signal;
    const permit = await this.permit(options);
    let result: R;
    try {
      const work = operation();
      result = await (signal === undefined ? work : orAborted(Promise.resolve(work), signal));
    } catch (error) {
      if (signal?.aborted) this.#circuits.core.background(permit.cancelled());
      else await this.#settle(permit.failed(error, (options?.failureOf ?? failureOf)(error)));
      throw error;
    }
    await this.#settle(permit.succeeded());
    return result;
  }

  /**
   * The function, each call of which goes through the circuit.
   *
   * @example
   * ```ts
   * const pay = breaker.wrap((order: Order) => payments.charge(order));
   * const receipt = await pay(order);
   * ```
   */
  wrap<A extends readonly unknown[], R>(
    operation: (...args: A) => R | PromiseLike<R>,
    options: GuardOptions<A> = {},
  ): (...args: A) => Promise<R> {
    const { key, signal, failureOf } = options;
    return async (...args) => {
      const breaker = key === undefined ? this : this.keyed(key(...args));
      const given = typeof signal === "function" ? signal(...args) : signal;
      return breaker.call(() => operation(...args), { signal: given, failureOf });
    };
  }

  /** An admission without promises, on the memory store. @internal */
  admitNow(): CircuitReport {
    try {
      return reportIn(this.#callNow(ADMIT));
    } catch (error) {
      return this.#circuits.away.inPlaceOf(error, this.#key, ADMIT);
    }
  }

  /** Any other call without promises, on the memory store. @internal */
  askNow(request: Request): CircuitReport {
    if (degradedPermit(request) !== undefined) return this.#circuits.away.report(this.#key, request, true);
    return reportIn(this.#callNow(request));
  }

  /** @internal */
  get statusRequest(): Request {
    return STATUS;
  }

  /** @internal */
  get closeRequest(): Request {
    return CLOSE;
  }

  /** @internal */
  modeRequest(mode: CircuitMode): Request {
    assertShape(object({ mode: checkMode }), { mode }, () => "the call");
    return { kind: "setMode", mode };
  }

  /** An outcome, checked. @internal */
  request(kind: "succeeded" | "failed" | "cancelled", permit: CircuitPermit, elapsed = 0, failure?: Failure): Request {
    if (!isPermit(permit)) assertShape(checkPermit, permit, () => "the permit");
    const elapsedMs = wholeOf("elapsedMs", Math.floor(elapsed));
    if (kind !== "failed") return { kind, permit, elapsedMs };
    assertShape(checkFailure, failure, () => "the failure");
    return { kind, permit, elapsedMs, errors: errorsOf(failure as Failure) };
  }

  /** @internal */
  assertAdmitted(report: CircuitReport): void {
    if (report.effect !== "admitted") throw new CircuitOpenError(this.#circuits.config.name, report);
  }

  /** The operation has happened; its caller is better served with its result than with a store's trouble. */
  async #settle(outcome: Promise<unknown>): Promise<void> {
    try {
      await outcome;
    } catch {
      this.#circuits.core.lost++;
    }
  }

  #callNow(request: Request): Answer {
    const { core, namespace, policy } = this.#circuits;
    return core.callNow(namespace, this.#key, policy, request);
  }

  async #admitShared(signal: Signal | undefined): Promise<CircuitReport> {
    const { core, namespace, policy, away } = this.#circuits;
    try {
      return reportIn(await core.call(namespace, this.#key, policy, ADMIT, signal));
    } catch (error) {
      return away.inPlaceOf(error, this.#key, ADMIT);
    }
  }

  async #ask(requestOf: () => Request): Promise<CircuitReport> {
    const { core, namespace, policy, away } = this.#circuits;
    const request = requestOf();
    if (core.memory !== undefined) return this.askNow(request);
    try {
      return reportIn(await core.call(namespace, this.#key, policy, request));
    } catch (error) {
      if (request.kind !== "status") throw error;
      return away.inPlaceOf(error, this.#key, request);
    }
  }

  async #record(requestOf: () => Request): Promise<CircuitReport> {
    const { core, namespace, policy, away } = this.#circuits;
    const request = requestOf();
    if (core.memory !== undefined) return this.askNow(request);
    const isUnsent = away.answers && core.shared.turnsAway(namespace.entity(this.#key));
    if (degradedPermit(request) !== undefined || isUnsent) return away.report(this.#key, request, false);
    try {
      return reportIn(await core.record(namespace, this.#key, policy, request));
    } catch (error) {
      return away.inPlaceOf(error, this.#key, request);
    }
  }
}

function reportIn(answer: Answer): CircuitReport {
  if (answer.kind === "report") return reportOf(answer.report);
  throw new MisuseError("the answer to another question");
}
