/** Rate limiter. */

import { type Ask, type AskOptions, costOf, keyOf, priorityOf, wholeOf } from "../../ask.js";
import { Attempt, type Limits } from "../../attempt.js";
import { assertShape, asWritten } from "../../config.js";
import type { Core } from "../../core.js";
import { ConfigError } from "../../errors.js";
import { Namespace } from "../../key.js";
import { Refused } from "../../runtime/refused.js";
import { type Signal, sleep } from "../../signal.js";
import { type AnswerTo, Policy } from "../../strategy.js";
import { type AnyFunction, type AsyncFunction, type Promised, standsFor, type WithSignal } from "../../wrapped.js";
import { checkOperation, checkTimeout } from "../circuit-breaker/options.js";
import { decisionIn } from "./answer.js";
import { LimiterAway, nameOf } from "./away.js";
import { checkLimiter, type OpenedLimiterConfig, type RateLimiterConfig, withLimits, witLimiter } from "./config.js";
import type { Decision } from "./decision.js";
import { RateLimitError } from "./errors.js";
import { RateLimiterPermit } from "./permit.js";
import {
  type DecisionRequest,
  type LimiterPolicy,
  type Limiters,
  peekRequest,
  RESET,
  type Request,
  refundRequest,
  tryAcquireRequest,
} from "./request.js";
import { limiters } from "./strategy.js";

/** A permit, and how long it was waited for. */
export interface Admission {
  /** The decision that admitted the call, or reserved its place. */
  readonly decision: Decision;
  /** How long the call waited, in milliseconds by this host's clock. */
  readonly waitedMs: number;
}

/** A key, and what is asked for it. */
export interface KeyedAsk extends Omit<Ask, "priority"> {
  readonly key: string;
}

/** What a refund needs of a decision. */
export type Charge = Pick<Decision, "chargedAtUs"> & Partial<Pick<Decision, "fullAtUs" | "degraded">>;

/** How a wrapped function asks. */
export interface WrapOptions<F extends AnyFunction> extends Ask {
  /** Who asks: one key for all calls, or that of a call's arguments. */
  readonly key: string | ((...args: Parameters<F>) => string);
  /**
   * Gives a call up that still waits: one signal for all calls, or that of a call's arguments. With
   * `timeoutMs`, the function as well.
   */
  readonly signal?: Signal | ((...args: Parameters<F>) => Signal | undefined) | undefined;
  /**
   * How long the function itself may take, in whole milliseconds; 1 to 86,400,000; for ever unless
   * set. What it was let go for stays charged.
   */
  readonly timeoutMs?: number | undefined;
  /**
   * Puts a signal into a call's arguments that is aborted when the call is given up; without it,
   * the function goes on and nobody hears of it.
   */
  readonly withSignal?: WithSignal<F> | undefined;
}

/** How many asks of one call wait at once. */
const MANY_AT_ONCE = 10_000;

/**
 * A handle on a rate limiter. It holds no state of any key; handles of the same name on the same
 * store limit together, in whatever process and language.
 *
 * All promises reject with a {@link StoreError} or a {@link ContendedError} where a shared store
 * gave no answer.
 */
export class RateLimiter {
  readonly #core: Core;
  readonly #policy: LimiterPolicy;
  readonly #namespace: Namespace;
  readonly #config: OpenedLimiterConfig;
  readonly #away: LimiterAway;

  /** @internal */
  constructor(core: Core, given: RateLimiterConfig) {
    assertShape(checkLimiter, given, nameOf);
    const config = withLimits(given);
    const policy = opened(core, config);
    this.#core = core;
    this.#policy = policy;
    this.#namespace = new Namespace(limiters.tag, config.name);
    this.#away = new LimiterAway(core, this.#namespace, policy, config);
    this.#config = JSON.parse(JSON.stringify(config));
  }

  /** The settings. */
  get config(): OpenedLimiterConfig {
    return this.#config;
  }

  /**
   * Asks for permits now: allowed or denied, never a wait. In a queue it never goes before those
   * who wait.
   *
   * @throws {CostNeverFitsError}
   */
  tryAcquire(key: string, options?: Omit<AskOptions, "priority">): Promise<Decision> {
    try {
      const cost = costOf(options);
      return this.#decide(key, cost, tryAcquireRequest(cost), options?.signal);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * What {@link tryAcquire} would come to for each of these in turn, asked at one time. On a shared
   * store calls on one key are one commit, and those on different keys go out together; there may
   * be any number of them.
   */
  tryAcquireMany(asks: Iterable<KeyedAsk>): Promise<PromiseSettledResult<Decision>[]> {
    if (this.#core.memory !== undefined) return Promise.resolve(this.tryAcquireManyNow(asks));
    return this.#tryAcquireMany(Array.from(asks, ask => ({ ...ask })));
  }

  /**
   * Asks for permits and waits for them, as the settings say.
   *
   * @throws {RateLimitError} with the decision, when the call was denied
   * @throws {CostNeverFitsError}
   */
  async acquire(key: string, options?: AskOptions): Promise<Admission> {
    const { clock } = this.#core;
    const startedUs = clock.nowUs();
    let decision = await this.decide(key, options);
    while (decision.verdict === "wait") {
      const { ticket } = decision;
      try {
        await sleep(clock, decision.waitMs, options?.signal);
        if (ticket === undefined) break;
        decision = await this.decide(key, options, ticket);
      } catch (error) {
        this.#giveUp(key, costOf(options), decision);
        throw error;
      }
    }
    if (decision.verdict === "denied") throw new RateLimitError(this.#config.name, decision);
    return { decision, waitedMs: Math.max(clock.nowUs() - startedUs, 0) / 1_000 };
  }

  /**
   * One step of {@link acquire} that never sleeps, for workflows that keep their own timers: asks
   * for permits, or comes back with a ticket after `waitMs`. Without a ticket in the decision, a
   * wait is a reserved place that has been charged: go after that time.
   *
   * @throws {CostNeverFitsError}
   */
  decide(key: string, options?: AskOptions, ticket?: number): Promise<Decision> {
    try {
      const cost = costOf(options);
      const back = ticket === undefined ? 0 : wholeOf("ticket", ticket);
      const request = { kind: "acquire", cost, priority: priorityOf(options), ticket: back } as const;
      return this.#decide(key, cost, request, options?.signal);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * What {@link tryAcquire} would answer, without charging.
   *
   * @throws {CostNeverFitsError}
   */
  peek(key: string, options?: Omit<AskOptions, "priority">): Promise<Decision> {
    try {
      const cost = costOf(options);
      return this.#decide(key, cost, peekRequest(cost), options?.signal);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * Gives permits back that `decision` charged, and reports as a peek does. Windows and logs take
   * them out of the very place they were counted in; GCRA and token bucket give back what has not
   * come back by itself since, and what was charged first comes back first. Giving the same permits
   * back twice counts once in a log only. The cost must be no more than was asked for.
   *
   * What was let go while the store was away is given back where that was, as long as it was not
   * charged to the store. While the store is known to be away, and the settings say to answer then,
   * a refund of what the store charged is sent when it is back.
   */
  refund(key: string, decision: Charge, ask?: Ask): Promise<Decision> {
    try {
      const cost = costOf(ask);
      assertCharge(decision);
      if (decision.degraded) return Promise.resolve(this.#away.refund(keyOf(key), cost, decision));
      return this.#decide(key, cost, refundRequest(cost, decision), undefined);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * Charges what was used already, such as the tokens of a model's answer or the bytes of a reply:
   * it is never refused, whatever the limits say. What does not fit is a debt, and calls that come
   * later wait until it is paid, by the rate of the limit; `retryAfterMs` says for how long. Of a
   * debt to windows or a log nothing can be given back. What is owed beyond 1,000 windows is
   * forgotten.
   *
   * While the store is away, unless that is an error, it counts on this host and is charged when
   * the store is back, like what was let go meanwhile: as much as then still fits.
   *
   * @example
   * ```ts
   * const { usage } = await model.complete(prompt);
   * await tokens.charge(tenant, usage.total_tokens);
   * ```
   */
  charge(key: string, cost: number): Promise<Decision> {
    try {
      const used = costOf({ cost });
      return this.#decide(key, used, { kind: "charge", cost: used }, undefined);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Takes a waiter out of the queue; false: it was not in it. */
  async cancel(key: string, ticket: number): Promise<boolean> {
    return this.#call(key, { kind: "cancel", ticket: wholeOf("ticket", ticket) });
  }

  /** Forgets what was charged to a key. Those who wait keep their places. */
  async reset(key: string): Promise<void> {
    await this.#call(key, RESET);
  }

  /**
   * As {@link acquire}, giving permits that can be given back, also by leaving the scope of `await
   * using`. With `timeoutMs` (1 to 86,400,000), their signal is aborted so long after they were
   * given.
   */
  async permit(key: string, options: AskOptions & Pick<Limits, "timeoutMs"> = {}): Promise<RateLimiterPermit> {
    const { timeoutMs, ...ask } = options;
    checkTimeout(timeoutMs);
    const { decision, waitedMs } = await this.acquire(key, ask);
    const limits = { clock: this.#core.clock, signal: ask.signal, timeoutMs };
    return new RateLimiterPermit(this, key, costOf(ask), decision, waitedMs, limits);
  }

  /**
   * The function, each call of which first acquires. It has the same name, length, `this` and
   * parameters, and returns a promise.
   *
   * @throws {CallTimeoutError} when the function took longer than `timeoutMs`
   * @example
   * ```ts
   * const send = limiter.wrap(sendMail, { key: (mail) => mail.to });
   * await send({ to: "a@example.org", text: "Hello" });
   * ```
   */
  wrap<F extends AsyncFunction>(operation: F, options: WrapOptions<F>): F;
  wrap<F extends AnyFunction>(operation: F, options: WrapOptions<F>): Promised<F>;
  wrap<F extends AnyFunction>(operation: F, options: WrapOptions<F>): unknown {
    checkOperation(operation);
    const { key, signal, timeoutMs, withSignal, ...ask } = options;
    checkTimeout(timeoutMs);
    const limiter = this;
    return standsFor(async function (this: unknown, ...args: Parameters<F>) {
      const given = typeof signal === "function" ? signal.apply(this, args) : signal;
      const of = typeof key === "function" ? key.apply(this, args) : key;
      await limiter.acquire(of, { ...ask, signal: given });
      if (timeoutMs === undefined && withSignal === undefined) return await operation.apply(this, args);
      const attempt = new Attempt(limiter.#core.clock, { signal: given, timeoutMs }, true);
      try {
        return await attempt.race(operation.apply(this, withSignal?.(args, attempt.signal) ?? args));
      } finally {
        attempt.end();
      }
    }, operation);
  }

  /** The same without promises, on the memory store. @internal */
  decideNow(key: string, cost: number, request: DecisionRequest, nowUs?: number): Decision {
    try {
      return decisionIn(this.callNow(key, request, nowUs), this.#config.name);
    } catch (error) {
      return this.#away.inPlaceOf(error, key, cost, request);
    }
  }

  /** @internal */
  tryAcquireManyNow(asks: Iterable<KeyedAsk>): PromiseSettledResult<Decision>[] {
    const nowUs = this.#core.clock.nowUs();
    // One call of the component for all of them was measured to cost more than one for each.
    return Array.from(asks, ask => {
      try {
        const cost = costOf(ask);
        return { status: "fulfilled", value: this.decideNow(ask.key, cost, tryAcquireRequest(cost), nowUs) };
      } catch (reason) {
        return { status: "rejected", reason };
      }
    });
  }

  /** @internal */
  callNow<const R extends Request>(key: string, request: R, nowUs?: number): AnswerTo<Limiters, R> {
    return this.#core.callNow(this.#namespace, keyOf(key), this.#policy, request, nowUs);
  }

  /** On the memory store the decision is there at once; only who asked learns of it later. */
  #decide(key: string, cost: number, request: DecisionRequest, signal: Signal | undefined): Promise<Decision> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    if (this.#core.memory !== undefined) return Promise.resolve(this.decideNow(key, cost, request));
    const ledger = this.#core.shared;
    const entity = this.#namespace.entity(keyOf(key));
    const answer = ledger.answer(entity, this.#policy, request);
    if (answer !== undefined) return Promise.resolve(decisionIn(answer, this.#config.name));
    if (this.#away.answers && ledger.turnsAway(entity))
      return Promise.resolve(this.#away.decide(key, cost, request, false));
    return this.#lineUp(key, cost, request, signal);
  }

  /** So few at a time that they leave room in the backlog of this process for others. */
  async #tryAcquireMany(asks: readonly KeyedAsk[]): Promise<PromiseSettledResult<Decision>[]> {
    const settled: PromiseSettledResult<Decision>[] = [];
    for (let first = 0; first < asks.length; first += MANY_AT_ONCE) {
      const some = asks.slice(first, first + MANY_AT_ONCE);
      settled.push(...(await Promise.allSettled(some.map(({ key, ...ask }) => this.tryAcquire(key, ask)))));
    }
    return settled;
  }

  async #lineUp(key: string, cost: number, request: DecisionRequest, signal: Signal | undefined): Promise<Decision> {
    try {
      const answer = await this.#core.shared.lineUp(this.#namespace.entity(key), this.#policy, request, signal);
      return decisionIn(answer, this.#config.name);
    } catch (error) {
      return this.#away.inPlaceOf(error, key, cost, request);
    }
  }

  async #call<const R extends Request>(key: string, request: R): Promise<AnswerTo<Limiters, R>> {
    if (this.#core.memory !== undefined) return this.callNow(key, request);
    return this.#core.call(this.#namespace, keyOf(key), this.#policy, request);
  }

  /** Leaves the queue, or gives the reserved place back, for nobody to wait for. */
  #giveUp(key: string, cost: number, decision: Decision): void {
    const { ticket } = decision;
    const request = ticket === undefined ? refundRequest(cost, decision) : ({ kind: "cancel", ticket } as const);
    this.#core.background(this.#call(key, request));
  }
}

/** What a refund is told is what a decision can have told. */
export function assertCharge({ chargedAtUs, fullAtUs }: Charge): void {
  if (chargedAtUs !== undefined) wholeOf("decision.chargedAtUs", chargedAtUs);
  if (fullAtUs !== undefined) wholeOf("decision.fullAtUs", fullAtUs);
}

function opened(core: Core, config: OpenedLimiterConfig): LimiterPolicy {
  const wit = witLimiter(config);
  const policy = core.runtime.open(new Policy(limiters, { config: wit }));
  if (policy instanceof Refused) throw new ConfigError(nameOf(config.name), policy.problems.map(asWritten));
  // In this host's own memory there is no round trip that a lease would save.
  const isNeedless = core.memory !== undefined && wit.lease !== undefined;
  if (isNeedless) return opened(core, { ...config, lease: undefined });
  noteBasis(core, config.name, policy);
  return policy;
}

/** Tells other hosts by what this limiter counts. */
function noteBasis({ ledger, runtime }: Core, name: string, policy: LimiterPolicy): void {
  if (ledger === undefined || !ledger.notes.areKept) return;
  const basis = runtime.ask(policy, limiter => limiter.basis());
  ledger.notes.note(limiters.tag, name, basis instanceof Refused ? "" : basis);
}
