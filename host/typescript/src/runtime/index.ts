/**
 * Runtime: runs the component on transactions.
 *
 * One instance serves the process, call after call. When it traps, its run is undone, it is thrown
 * away with all that it had open, and the call is tried once more on a fresh one. Invariant: after
 * `run` the transaction holds either all of what the run did or nothing of it.
 */

import { ComponentError, MisuseError } from "../errors.js";
import type { AnswerTo, Policy, Types } from "../strategy.js";
import { Instance, NOWHERE } from "./instance.js";
import { orRefused, type Refused } from "./refused.js";
import { builtIn, type Source } from "./source.js";
import type { World } from "./world.js";

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

  /** Checks a policy's configuration. */
  open<T extends Types>(policy: Policy<T>): Policy<T> | Refused {
    return this.#outside(instance => {
      instance.resource(policy);
      return policy;
    });
  }

  /**
   * Makes a call of a policy that asks neither the clock nor a cell, or is refused with problems.
   *
   * @throws {ComponentError} if the component trapped twice
   */
  ask<T extends Types, R>(policy: Policy<T>, call: (resource: T["resource"]) => R): R | Refused {
    return this.#outside(instance => call(instance.resource(policy)));
  }

  /** The workflow nodes as data, JSON text. */
  registry(): string | Refused {
    return this.#outside(instance => instance.registry());
  }

  /**
   * Runs a call on a transaction.
   *
   * @throws {ComponentError} if the component trapped twice; nothing of either run is left in the
   * transaction.
   */
  run<T extends Types, const R extends T["request"]>(policy: Policy<T>, request: R, world: World): AnswerTo<T, R> {
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

  #attempt<T extends Types, const R extends T["request"]>(policy: Policy<T>, request: R, world: World): AnswerTo<T, R> {
    const instance = this.#instance ?? this.#instantiate();
    world.startRun();
    instance.world = world;
    // A strategy answers each kind of call as its types say.
    const answer = policy.strategy.call(instance.resource(policy), request) as AnswerTo<T, R>;
    instance.world = NOWHERE;
    if (world.strayed) throw new Error("it asked for an entity that the call is not about");
    return answer;
  }

  /** What a call comes to that is not on a transaction. */
  #outside<R>(call: (instance: Instance) => R): R | Refused {
    const attempt = () => orRefused(() => call(this.#instance ?? this.#instantiate()));
    try {
      return attempt();
    } catch (error) {
      return this.#retry(error, NOWHERE, attempt);
    }
  }

  #instantiate(): Instance {
    const instance = new Instance(this.#source);
    this.#instantiated++;
    this.#instance = instance;
    return instance;
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
