/**
 * Runtime: runs the component on transactions.
 *
 * One instance serves the process, call after call. When it traps, its run is undone, it is thrown
 * away with all that it had open, and the call is tried once more on a fresh one. Invariant: after
 * `run` the transaction holds either all of what the run did or nothing of it.
 */

import type { Answer, Request, WitCostNeverFits, WitDecision, WitReport } from "../call.js";
import { ComponentError, MisuseError } from "../errors.js";
import type { Problem } from "../problem.js";
import type { BreakerResource, LimiterResource, WitBreakerConfig, WitLimiterConfig } from "./guest.js";
import { Instance, NOWHERE } from "./instance.js";
import { breakerNode, limiterNode } from "./nodes.js";
import { payloadOf } from "./payload.js";
import { BreakerNodePolicy, BreakerPolicy, LimiterNodePolicy, LimiterPolicy, type Policy } from "./policy.js";
import { builtIn, type Source } from "./source.js";
import type { World } from "./world.js";

export type { Policy } from "./policy.js";
export type { Place, Scope, World } from "./world.js";

/** What has happened to the component so far. */
export interface RuntimeStats {
  /** Instances made. */
  readonly instantiated: number;
  /** Runs that ended badly. */
  readonly traps: number;
  /** Runs tried once more on a fresh instance. */
  readonly retries: number;
  /** Calls given up because the second run ended badly too. */
  readonly failures: number;
}

/** What a run made of a request that has no answer of its own. */
const DONE: Answer = { kind: "done" };

/** A configuration that the component has refused. */
export class Refused {
  constructor(readonly problems: readonly Problem[]) {}
}

/** The component, ready to run. */
export class Runtime {
  readonly #source: Source;
  #instance: Instance | undefined;
  #instantiated = 0;
  #traps = 0;
  #retries = 0;
  #failures = 0;

  constructor(source: Source = builtIn) {
    this.#source = source;
  }

  /** The runtime that this process shares; it loads the component when it is first used. */
  static get shared(): Runtime {
    shared ??= new Runtime();
    return shared;
  }

  /** Checks a rate limiter's configuration; with `hosts` it is the share of each of this many. */
  openLimiter(config: WitLimiterConfig, hosts?: number): LimiterPolicy | Refused {
    const policy = new LimiterPolicy(config, hosts);
    const opened = this.#opened(policy, instance => instance.openLimiter(policy));
    if (opened instanceof Refused) return opened;
    const countsForUs = this.ask(instance => limiterIn(instance, policy).countsForUs());
    if (!(countsForUs instanceof Refused)) policy.countsForUs = Number(countsForUs);
    return opened;
  }

  /** What a rate limiter's values depend on, in words. */
  basis(policy: LimiterPolicy): string {
    const basis = this.ask(instance => limiterIn(instance, policy).basis());
    return basis instanceof Refused ? "" : basis;
  }

  /** Checks a circuit breaker's configuration. */
  openBreaker(config: WitBreakerConfig): BreakerPolicy | Refused {
    const policy = new BreakerPolicy(config);
    return this.#opened(policy, instance => instance.openBreaker(policy));
  }

  /** Checks a rate limiter node's configuration, JSON text. */
  openLimiterNode(config: string): LimiterNodePolicy | Refused {
    const policy = new LimiterNodePolicy(config);
    return this.#opened(policy, instance => instance.limiterNode(policy));
  }

  /** Checks a circuit breaker node's configuration, JSON text. */
  openBreakerNode(config: string): BreakerNodePolicy | Refused {
    const policy = new BreakerNodePolicy(config);
    return this.#opened(policy, instance => instance.breakerNode(policy));
  }

  /**
   * Makes a call that asks neither the clock nor a cell, or is refused with problems.
   *
   * @throws {ComponentError} if the component trapped twice
   */
  ask<R>(call: (instance: Instance) => R): R | Refused {
    const attempt = () => {
      try {
        return call(this.#instance ?? this.#instantiate());
      } catch (error) {
        const problems = payloadOf(error);
        if (Array.isArray(problems)) return new Refused(problems);
        throw error;
      }
    };
    try {
      return attempt();
    } catch (error) {
      return this.#retry(error, NOWHERE, attempt);
    }
  }

  /**
   * Runs a call on a transaction.
   *
   * @throws {ComponentError} if the component trapped twice; nothing of either run is left in the
   * transaction.
   */
  run(policy: Policy, request: Request, world: World): Answer {
    try {
      return this.#attempt(policy, request, world);
    } catch (error) {
      return this.#retry(error, world, () => this.#attempt(policy, request, world));
    }
  }

  /** What has happened so far. */
  get stats(): RuntimeStats {
    return {
      instantiated: this.#instantiated,
      traps: this.#traps,
      retries: this.#retries,
      failures: this.#failures,
    };
  }

  #attempt(policy: Policy, request: Request, world: World): Answer {
    const instance = this.#instance ?? this.#instantiate();
    world.startRun();
    instance.world = world;
    const answer = answerOf(instance, policy, request);
    instance.world = NOWHERE;
    if (world.strayed) throw new Error("it asked for an entity that the call is not about");
    return answer;
  }

  #instantiate(): Instance {
    const instance = new Instance(this.#source);
    this.#instantiated++;
    this.#instance = instance;
    return instance;
  }

  #opened<P extends Policy>(policy: P, open: (instance: Instance) => unknown): P | Refused {
    return this.ask(instance => {
      open(instance);
      return policy;
    });
  }

  /** The first run has ended badly. */
  #retry<R>(trap: unknown, world: World, attempt: () => R): R {
    if (trap instanceof MisuseError) throw trap;
    this.#discard(world);
    this.#retries++;
    try {
      return attempt();
    } catch (error) {
      this.#discard(world);
      this.#failures++;
      const message = error instanceof Error ? error.message : String(error);
      throw new ComponentError(`the policy component trapped twice: ${message}`, { cause: error });
    }
  }

  #discard(world: World): void {
    this.#traps++;
    world.rollbackRun();
    if (this.#instance === undefined) return;
    this.#instance.isUsable = false;
    this.#instance.world = NOWHERE;
    this.#instance = undefined;
  }
}

let shared: Runtime | undefined;

function answerOf(instance: Instance, policy: Policy, request: Request): Answer {
  switch (policy.kind) {
    case "limiter":
      return limit(instance, policy, request);
    case "breaker":
      return guard(instance, policy, request);
    case "limiterNode":
      return limiterNode(instance, policy, request);
    case "breakerNode":
      return breakerNode(instance, policy, request);
  }
}

/** A rate limiter that is open in an instance, now at the latest. */
function limiterIn(instance: Instance, policy: LimiterPolicy): LimiterResource {
  const { resource: open } = policy;
  return open !== undefined && policy.instance === instance ? open : instance.openLimiter(policy);
}

/** A call of a rate limiter, on the entity 0 of the instance's world. */
function limit(instance: Instance, policy: LimiterPolicy, request: Request): Answer {
  const limiter = limiterIn(instance, policy);
  switch (request.kind) {
    case "cancelTicket":
      return { kind: "wasWaiting", wasWaiting: limiter.cancel(0, request.ticket) };
    case "forget":
      limiter.reset(0);
      return DONE;
    case "release":
      return { kind: "released", permits: limiter.release(0, request.now) };
    default:
      return decide(limiter, request);
  }
}

function decide(limiter: LimiterResource, request: Request): Answer {
  try {
    return { kind: "decision", decision: decision(limiter, request) };
  } catch (error) {
    const neverFits = payloadOf(error);
    if (neverFits === undefined) throw error;
    return { kind: "neverFits", neverFits: neverFits as WitCostNeverFits };
  }
}

function decision(limiter: LimiterResource, request: Request): WitDecision {
  switch (request.kind) {
    case "tryAcquire":
      return limiter.tryAcquire(0, request.cost);
    case "acquire":
      return limiter.acquire(0, request.cost, request.priority, request.ticket);
    case "peek":
      return limiter.peek(0, request.cost);
    case "refund":
      return limiter.refund(0, request.cost, request.chargedAtUs, request.fullAtUs);
    case "charge":
      return limiter.charge(0, request.cost);
    case "post":
      return limiter.post(0, request.cost);
    default:
      throw new MisuseError(`a rate limiter cannot be asked to ${request.kind}`);
  }
}

/** A call of a circuit breaker, on the entity 0 of the instance's world. */
function guard(instance: Instance, policy: BreakerPolicy, request: Request): Answer {
  const { resource: open } = policy;
  const breaker = open !== undefined && policy.instance === instance ? open : instance.openBreaker(policy);
  return { kind: "report", report: report(breaker, request) };
}

function report(breaker: BreakerResource, request: Request): WitReport {
  switch (request.kind) {
    case "admit":
      return breaker.admit(0);
    case "succeeded":
      return breaker.succeeded(0, request.permit, request.elapsedMs);
    case "failed":
      return breaker.failed(0, request.permit, request.elapsedMs, request.errors);
    case "cancelled":
      return breaker.cancelled(0, request.permit, request.elapsedMs);
    case "status":
      return breaker.status(0);
    case "setMode":
      return breaker.setMode(0, request.mode);
    case "close":
      return breaker.reset(0);
    default:
      throw new MisuseError(`a circuit breaker cannot be asked to ${request.kind}`);
  }
}
