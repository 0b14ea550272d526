/** Circuit breaker. */

import { keyOf, wholeOf } from "../../ask.js";
import type { Limits, PlatformSignal } from "../../attempt.js";
import { anyText, assertShape, asWritten, type Check, flag, listOf, object, u32, u53 } from "../../config.js";
import type { Core } from "../../core.js";
import { ConfigError } from "../../errors.js";
import { Namespace } from "../../key.js";
import { isWithin } from "../../nesting.js";
import { Refused } from "../../runtime/refused.js";
import type { Signal } from "../../signal.js";
import { Policy } from "../../strategy.js";
import { warn } from "../../tell.js";
import { type AnyFunction, type AsyncFunction, type Promised, standsFor, type WithSignal } from "../../wrapped.js";
import { Admission, permitIn } from "./admission.js";
import { CircuitAway, degradedPermit } from "./away.js";
import { asData, type CircuitBreakerConfig, checkBreaker, checkMode, witBreaker } from "./config.js";
import { CircuitOpenError } from "./errors.js";
import type { Failure } from "./failure.js";
import { errorsOf, MAX_ERRORS } from "./failure.js";
import { type Admitted, type Circuit, GuardedCall, type Operation, WITHIN } from "./guarded.js";
import {
  type CallOptions,
  COUNTING,
  type Counting,
  checkOperation,
  checkOptions,
  checkSignal,
  LIMITS,
} from "./options.js";
import { CircuitBreakerPermit } from "./permit.js";
import { type CircuitReport, reportOf } from "./report.js";
import { ADMIT, type BreakerPolicy, RESET, type Request, STATUS } from "./request.js";
import { breakers } from "./strategy.js";
import type { CircuitMode, CircuitPermit, WitReport } from "./wit.js";

/** How a wrapped function is guarded. */
export interface GuardOptions<F extends AnyFunction> extends Counting<Awaited<ReturnType<F>>> {
  /** Which circuit of {@link CircuitBreaker.keyed}, by a call's arguments; this one unless set. */
  readonly key?: ((...args: Parameters<F>) => string) | undefined;
  /** As {@link CallOptions.signal}: one signal for all calls, or that of a call's arguments. */
  readonly signal?: Signal | ((...args: Parameters<F>) => Signal | undefined) | undefined;
  /** As {@link CallOptions.timeoutMs}. */
  readonly timeoutMs?: number | undefined;
  /**
   * Puts the call's signal into its arguments, which is aborted when the call is given up; without
   * it, the operation goes on and nobody hears of it.
   */
  readonly withSignal?: WithSignal<F> | undefined;
}

const checkPermit = object({ generation: u53, admittedAtUs: u53, probe: u32 }, { degraded: flag });
/**
 * A failure whose causes are failures, as far down as they are looked at: one may be its own cause.
 */
const checkFailure = Array.from({ length: MAX_ERRORS }).reduce<Check>(
  below => object({ name: anyText, message: anyText, code: anyText }, { status: anyText, causes: listOf(below) }),
  () => {},
);

/**
 * Whether it has the three numbers of a permit. Looking closer, at fields that do not belong there,
 * is for one that has not.
 */
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
  const plain = asData(config);
  assertShape(checkBreaker, plain, what);
  const policy = core.runtime.open(new Policy(breakers, witBreaker(plain)));
  if (policy instanceof Refused) throw new ConfigError(what(config.name), policy.problems.map(asWritten));
  warnOfFractions(plain);
  const namespace = new Namespace(breakers.tag, config.name);
  const away = new CircuitAway(core, namespace, policy, config.whenAway ?? "share");
  return { core, policy, namespace, config: JSON.parse(JSON.stringify(plain)), away };
}

/** Of a share below one percent, which is most often meant as a fraction. */
function warnOfFractions({ name, trip, halfOpen }: CircuitBreakerConfig): void {
  const { rule } = halfOpen ?? {};
  const shares = [
    ["trip.failureRatePercent", trip.failureRatePercent],
    ["trip.slowRate.percent", trip.slowRate?.percent],
    ["halfOpen.rule.rate.percent", typeof rule === "object" && "rate" in rule ? rule.rate.percent : undefined],
  ] as const;
  for (const [path, percent] of shares.filter(([, percent]) => (percent ?? 1) < 1)) {
    const circuit = `circuit breaker ${JSON.stringify(name)}`;
    warn(`${path} of ${circuit} is ${percent}, less than one call in a hundred: 50 is half of them`);
  }
}

/**
 * A handle on a circuit. It holds no state of it; handles of the same name and key on the same
 * store are one circuit, in whatever process and language.
 *
 * While a shared store is away, what {@link CircuitBreakerConfig.whenAway} says is answered.
 * Promises reject with a {@link StoreError} where that is an error, and of orders; with a {@link
 * ContendedError} where other hosts came first too often; and with an {@link OverloadedError} where
 * too many calls of this process wait.
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
   * Asks to make a call. Whoever is admitted hands the permit back with the outcome, by {@link
   * succeeded}, {@link failed} or {@link cancelled}; {@link call} does all that.
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

  /**
   * The call succeeded, after `elapsedMs`. While the circuit is closed, a shared store is told in
   * the background.
   */
  succeeded(permit: CircuitPermit, elapsedMs: number): Promise<CircuitReport> {
    return this.#record(() => this.request("succeeded", permit, elapsedMs));
  }

  /** The call failed, after `elapsedMs`. When this resolves, every host sees it. */
  failed(permit: CircuitPermit, elapsedMs: number, failure: Failure): Promise<CircuitReport> {
    return this.#record(() => this.request("failed", permit, elapsedMs, failure));
  }

  /**
   * The call was not made, or was given up after `elapsedMs`: no outcome. Where there is a
   * `slowRate` and it took at least that long, it counts as slow; a slow probe has failed.
   */
  cancelled(permit: CircuitPermit, elapsedMs = 0): Promise<CircuitReport> {
    return this.#record(() => this.request("cancelled", permit, elapsedMs));
  }

  /** Reads the circuit and changes nothing. */
  status(): Promise<CircuitReport> {
    return this.#ask(() => STATUS);
  }

  /**
   * Orders a mode for all hosts; `normal` takes the order back. An order that no call asks after
   * for 30 days is forgotten. The circuit is closed and its counts are cleared.
   */
  setMode(mode: CircuitMode): Promise<CircuitReport> {
    return this.#ask(() => this.modeRequest(mode));
  }

  /** Closes the circuit and clears its counts and back-off. An ordered mode stays. */
  reset(): Promise<CircuitReport> {
    return this.#ask(() => RESET);
  }

  /**
   * As {@link admit}, giving the admitted call as a thing that ends by leaving the scope of `await
   * using`, or when its time is over.
   *
   * @throws {CircuitOpenError} when the circuit refused the call
   */
  async permit(options: Limits = {}): Promise<CircuitBreakerPermit> {
    checkOptions(options, LIMITS);
    const report = await this.#admitted(options.signal);
    return new CircuitBreakerPermit(this.#circuits.core, this, report, options);
  }

  /**
   * Makes a call through the circuit: fails fast where it is refused, and records its outcome. The
   * operation is given a signal that is aborted when the call is given up. What it throws counts by
   * its texts and those of its causes, and is thrown on.
   *
   * A generator, an async generator or a stream that it returns is guarded to its end; of a reply
   * with a body, such as that of `fetch`, the body is its reader's. A reader who stops early has
   * given the call up: see {@link cancelled}. A call within a call of the same circuit and key goes
   * with the permit of the outer one.
   *
   * @throws {CircuitOpenError} when the circuit refused the call
   * @throws {CallTimeoutError} when it took longer than `timeoutMs`
   */
  async call<R>(operation: Operation<R>, options: CallOptions<R> = {}): Promise<R> {
    checkOperation(operation);
    checkOptions(options, LIMITS, COUNTING);
    return this.#guarded(operation, options, operation.length > 0);
  }

  /**
   * The function, each call of which goes through the circuit. It has the same name, length, `this`
   * and parameters, and returns a promise.
   *
   * @example
   * ```ts
   * const pay = breaker.wrap((order: Order) => payments.charge(order));
   * const receipt = await pay(order);
   * ```
   */
  wrap<F extends AsyncFunction>(operation: F, options?: GuardOptions<F>): F;
  wrap<F extends AnyFunction>(operation: F, options?: GuardOptions<F>): Promised<F>;
  wrap<F extends AnyFunction>(operation: F, options: GuardOptions<F> = {}): unknown {
    checkOperation(operation);
    const { key, signal, withSignal, ...rest } = options;
    checkOptions(rest, ["timeoutMs"], COUNTING);
    const at = (self: unknown, args: Parameters<F>) => (key === undefined ? this : this.keyed(key.apply(self, args)));
    return standsFor(async function (this: unknown, ...args: Parameters<F>) {
      const given = typeof signal === "function" ? signal.apply(this, args) : signal;
      checkSignal(given);
      const made = (heard: PlatformSignal) => operation.apply(this, withSignal?.(args, heard) ?? args) as never;
      return at(this, args).#guarded(made, { ...rest, signal: given }, withSignal !== undefined);
    }, operation);
  }

  /** An admission without promises, on the memory store. @internal */
  admitNow(): CircuitReport {
    try {
      return reportOf(this.#callNow(ADMIT));
    } catch (error) {
      return this.#circuits.away.inPlaceOf(error, this.#key, ADMIT);
    }
  }

  /** Any other call without promises, on the memory store. @internal */
  askNow(request: Request): CircuitReport {
    if (degradedPermit(request) !== undefined) return this.#circuits.away.report(this.#key, request, true);
    return reportOf(this.#callNow(request));
  }

  /** @internal */
  get circuit(): Circuit {
    const { core, namespace } = this.#circuits;
    return { core, tag: namespace.tag(this.#key) };
  }

  /** A call's options, with what the settings say where they say nothing. @internal */
  counting<O extends Pick<Counting, "countRefusals">>(options: O): O {
    const { countRefusals } = this.config;
    return countRefusals === undefined
      ? options
      : { ...options, countRefusals: options.countRefusals ?? countRefusals };
  }

  /** @internal */
  get statusRequest(): Request {
    return STATUS;
  }

  /** @internal */
  get resetRequest(): Request {
    return RESET;
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

  async #guarded<R>(operation: Operation<R>, options: CallOptions<R>, isHeard: boolean): Promise<R> {
    const { circuit } = this;
    const admitted = isWithin(circuit.core.place, circuit.tag) ? WITHIN : await this.#admission(options.signal);
    return new GuardedCall(circuit, admitted, this.counting(options), isHeard).made(operation);
  }

  async #admission(signal: Signal | undefined): Promise<Admitted> {
    const report = await this.#admitted(signal);
    return new Admission(this, permitIn(report), () => this.#circuits.core.clock.nowUs());
  }

  async #admitted(signal: Signal | undefined): Promise<CircuitReport> {
    const report = await this.admit({ signal });
    this.assertAdmitted(report);
    return report;
  }

  #callNow(request: Request): WitReport {
    const { core, namespace, policy } = this.#circuits;
    return core.callNow(namespace, this.#key, policy, request);
  }

  async #admitShared(signal: Signal | undefined): Promise<CircuitReport> {
    const { core, namespace, policy, away } = this.#circuits;
    try {
      return reportOf(await core.call(namespace, this.#key, policy, ADMIT, signal));
    } catch (error) {
      return away.inPlaceOf(error, this.#key, ADMIT);
    }
  }

  async #ask(requestOf: () => Request): Promise<CircuitReport> {
    const { core, namespace, policy, away } = this.#circuits;
    const request = requestOf();
    if (core.memory !== undefined) return this.askNow(request);
    try {
      return reportOf(await core.call(namespace, this.#key, policy, request));
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
      return reportOf(await core.record(namespace, this.#key, policy, request));
    } catch (error) {
      return away.inPlaceOf(error, this.#key, request);
    }
  }
}
