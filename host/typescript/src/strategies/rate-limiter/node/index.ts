/** Rate limiter node. */

import type { Core } from "../../../core.js";
import { ConfigError, InputError } from "../../../errors.js";
import { Namespace } from "../../../key.js";
import { decide, type Entity, given, type NodeOptions, tokenOf } from "../../../nodes/asking.js";
import { boundedText, membersOf, merged } from "../../../nodes/context.js";
import { Refused } from "../../../runtime/refused.js";
import { orAborted, type Signal, sleep } from "../../../signal.js";
import { Policy } from "../../../strategy.js";
import type { LimiterNodePolicy, LimiterNodes } from "./request.js";
import { NODE, type NodeStep, type Passage, type RateLimiterResult, stepIn } from "./result.js";
import { limiterNodes } from "./strategy.js";
import type { LimiterNodeResource, Subject } from "./wit.js";

/**
 * A handle on a rate limiter node. It holds no state of any key; nodes of the same settings on the
 * same store limit together, in whatever process and language.
 *
 * A context is an object, of which only the members named by {@link reads} are looked at, or JSON
 * text of an object. Promises reject with an {@link InputError} where its key or priority is wrong,
 * and with a {@link StoreError} or a {@link ContendedError} where a shared store gave no answer.
 */
export class RateLimiterNode {
  readonly #core: Core;
  readonly #policy: LimiterNodePolicy;
  /** All subjects of a node have the same name. */
  #namespace: Namespace | undefined;
  /** The members of a context that the node looks at; it needs no others. */
  readonly reads: readonly string[];
  /** Where results go in a context; undefined: their fields are merged into it. */
  readonly outputVariable: string | undefined;

  /** @internal */
  constructor(core: Core, config: string) {
    const policy = core.runtime.open(new Policy(limiterNodes, config));
    if (policy instanceof Refused) throw new ConfigError("rate limiter node", policy.problems);
    this.#core = core;
    this.#policy = policy;
    this.reads = this.#ask(node => node.reads());
    this.outputVariable = this.#ask(node => node.outputVariable());
  }

  /**
   * What the node limits for this context.
   *
   * @throws {InputError} that names the field where there is no key or the priority is wrong
   */
  subject(context: object | string): Subject {
    const members = membersOf(context, this.reads, NODE);
    return this.#ask(node => node.subject(members));
  }

  /**
   * Asks for a permit and waits for it as the settings say. A call that does not pass is a result
   * as well. When the signal is aborted, it leaves the queue, or gives the reserved place back.
   */
  async execute(context: object | string, options?: NodeOptions): Promise<Passage> {
    const subject = this.subject(context);
    const signal = options?.signal;
    let step = await this.#step(subject, "", signal);
    while (!step.done) step = await this.#next(subject, step, signal);
    const { done: _, ...passage } = step;
    return passage;
  }

  /** The first step of a call that never sleeps: for workflows that keep their own timers. */
  async begin(context: object | string): Promise<NodeStep> {
    return this.#step(this.subject(context), "");
  }

  /**
   * The next step, with the same context and the token of the step before.
   *
   * @throws {InputError} for a token that no step has given
   */
  async step(context: object | string, token: string): Promise<NodeStep> {
    const back = tokenOf(token, NODE);
    if (back === "") throw new InputError(NODE, [{ path: "token", value: "missing", allowed: "the token of a step" }]);
    return this.#step(this.subject(context), back);
  }

  /**
   * Gives back what the token of a step holds: a place in the queue, a reserved place, or the
   * permit of a call that passed and was then not made. False: it held nothing. A permit must be
   * given back once only.
   */
  async abandon(context: object | string, token: string): Promise<boolean> {
    return this.#abandon(this.subject(context), tokenOf(token, NODE));
  }

  /**
   * The text of a context with the text of a result in it; all other text stays as it is.
   *
   * @throws {InputError} where the context is no object or is longer than 2 MiB: see {@link put}
   */
  output(context: string, json: string): string {
    const text = boundedText(context, NODE);
    return this.#ask(node => node.output(text, json));
  }

  /** A new object of a context's members with a result in it. */
  put<Context extends object>(
    context: Context,
    result: RateLimiterResult,
  ): Context & Readonly<Record<string, unknown>> {
    return merged(context, this.outputVariable, result, NODE) as Context & Readonly<Record<string, unknown>>;
  }

  #ask<R>(call: (node: LimiterNodeResource) => R): R {
    return given(this.#core.runtime.ask(this.#policy, call), NODE);
  }

  #at({ name, key }: Subject): Entity<LimiterNodes> {
    this.#namespace ??= new Namespace(limiterNodes.tag, name);
    return { core: this.#core, policy: this.#policy, namespace: this.#namespace, key };
  }

  async #step(subject: Subject, token: string, signal?: Signal): Promise<NodeStep> {
    const { priority } = subject;
    return stepIn(await decide(this.#at(subject), { kind: "step", priority, token } as const, signal));
  }

  /**
   * Waits, and takes the next step. Who has gone away gives back what is held then, once: the old
   * place or what came of it.
   */
  async #next(subject: Subject, step: NodeStep & { done: false }, signal: Signal | undefined): Promise<NodeStep> {
    try {
      await sleep(this.#core.clock, step.waitMs, signal);
    } catch (error) {
      this.#giveBack(subject, Promise.resolve(step));
      throw error;
    }
    const next = this.#step(subject, step.token);
    if (signal === undefined) return next;
    try {
      return await orAborted(next, signal);
    } catch (error) {
      if (signal.aborted) this.#giveBack(subject, next);
      throw error;
    }
  }

  #giveBack(subject: Subject, step: Promise<NodeStep>): void {
    const given = async () => {
      const { token } = await step;
      if (token !== undefined) await this.#abandon(subject, token);
    };
    this.#core.background(given());
  }

  async #abandon(subject: Subject, token: string): Promise<boolean> {
    return decide(this.#at(subject), { kind: "abandon", token } as const);
  }
}
