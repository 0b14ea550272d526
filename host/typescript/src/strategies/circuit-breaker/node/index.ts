/** Circuit breaker node. */

import type { Core } from "../../../core.js";
import { ConfigError } from "../../../errors.js";
import { Namespace } from "../../../key.js";
import { isWithin } from "../../../nesting.js";
import { type Entity, given, type NodeOptions, tokenOf } from "../../../nodes/asking.js";
import { boundedText, merged } from "../../../nodes/context.js";
import { Refused } from "../../../runtime/refused.js";
import { Policy } from "../../../strategy.js";
import { CircuitOpenError } from "../errors.js";
import { errorsOf, type Failure, failureOf } from "../failure.js";
import { GuardedCall, type Operation, WITHIN } from "../guarded.js";
import { type CallOptions, COUNTING, checkOperation, checkOptions, LIMITS } from "../options.js";
import { NodeAdmission } from "./admission.js";
import { askCircuit, tellCircuit } from "./away.js";
import { ADMIT, type BreakerNodePolicy, type BreakerNodes, STATUS } from "./request.js";
import { type CircuitBreakerResult, type CircuitPassage, type Guarded, NODE } from "./result.js";
import { breakerNodes } from "./strategy.js";
import type { BreakerNodeResource, FallbackAction } from "./wit.js";

/**
 * A handle on a circuit breaker node. It holds no state of the circuit. Nodes and {@link
 * CircuitBreaker}s without a key, of the same name on the same store, are one circuit.
 *
 * While a shared store is away, this host's own circuit answers, and reports are `degraded`.
 * Promises reject with a {@link ContendedError} where other hosts came first too often, and with an
 * {@link OverloadedError} where too many calls of this process wait.
 */
export class CircuitBreakerNode {
  readonly #core: Core;
  readonly #policy: BreakerNodePolicy;
  readonly #entity: Entity<BreakerNodes>;
  readonly #fallbackJson: string | undefined;
  /** The circuit's name. */
  readonly circuitId: string;
  /** What a call that is refused gets instead. */
  readonly fallbackAction: FallbackAction;
  /** Where results go in a context; undefined: their fields are merged into it. */
  readonly outputVariable: string | undefined;

  /** @internal */
  constructor(core: Core, config: string) {
    const policy = core.runtime.open(new Policy(breakerNodes, config));
    if (policy instanceof Refused) throw new ConfigError("circuit breaker node", policy.problems);
    this.#core = core;
    this.#policy = policy;
    this.circuitId = this.#ask(node => node.circuitId());
    this.fallbackAction = this.#ask(node => node.fallbackAction());
    this.#fallbackJson = this.#ask(node => node.fallbackValue());
    this.outputVariable = this.#ask(node => node.outputVariable());
    this.#entity = { core, policy, namespace: new Namespace(breakerNodes.tag, this.circuitId), key: "" };
  }

  /**
   * The value that a refused call gets, a new one each time; undefined unless the action is
   * `default`.
   */
  get fallbackValue(): unknown {
    return this.#fallbackJson === undefined ? undefined : JSON.parse(this.#fallbackJson);
  }

  /** Asks to make a call. A refusal is an answer, whatever the fallback. */
  async admit(options?: NodeOptions): Promise<CircuitPassage> {
    return askCircuit(this.#entity, ADMIT, options?.signal);
  }

  /**
   * As {@link admit}, with the fallback applied: refused, `default` and `skip` are an answer.
   *
   * @throws {CircuitOpenError} when the call was refused and the fallback is `error`
   */
  async execute(options?: NodeOptions): Promise<CircuitPassage> {
    const passage = await this.admit(options);
    if (!passage.result.allowed && this.fallbackAction === "error") {
      throw new CircuitOpenError(this.circuitId, passage.report);
    }
    return passage;
  }

  /**
   * The call succeeded. Without a token the outcome counts in the circuit's state of now:
   * half-open, for the oldest probe in flight; open, for nothing. While the circuit is closed, a
   * shared store is told in the background.
   *
   * @throws {InputError} for a token that no admission has given
   */
  async succeeded(token?: string): Promise<CircuitPassage> {
    return tellCircuit(this.#entity, { kind: "succeeded", token: tokenOf(token, NODE) });
  }

  /**
   * The call failed with `error`, likewise, which counts by its texts and those of its causes. When
   * this resolves, every host sees it.
   */
  async failed(error: unknown, token?: string, failure: Failure = failureOf(error)): Promise<CircuitPassage> {
    return tellCircuit(this.#entity, { kind: "failed", token: tokenOf(token, NODE), errors: errorsOf(failure) });
  }

  /** The call was not made or was given up, likewise: no outcome. */
  async cancelled(token?: string): Promise<CircuitPassage> {
    return tellCircuit(this.#entity, { kind: "cancelled", token: tokenOf(token, NODE) });
  }

  /** Reads the circuit and changes nothing. `allowed`: a call would be admitted now. */
  async status(): Promise<CircuitPassage> {
    return askCircuit(this.#entity, STATUS);
  }

  /**
   * Makes a call through the circuit and records its outcome, as {@link CircuitBreaker.call} does.
   * What `operation` throws is thrown on. A fallback value is taken to be an `R`.
   *
   * @throws {CircuitOpenError} when the call was refused and the fallback is `error`
   * @throws {CallTimeoutError} when it took longer than `timeoutMs`
   */
  async call<R>(operation: Operation<R>, options?: CallOptions<R>): Promise<Guarded<R>> {
    checkOperation(operation);
    return this.guarded(operation, options, operation.length > 0);
  }

  /** @internal */
  async guarded<R>(operation: Operation<R>, options: CallOptions<R> = {}, isHeard: boolean): Promise<Guarded<R>> {
    checkOptions(options, LIMITS, COUNTING);
    const { namespace, key } = this.#entity;
    const circuit = { core: this.#core, tag: namespace.tag(key) };
    if (isWithin(this.#core.place, circuit.tag)) {
      const result = await new GuardedCall(circuit, WITHIN, options, isHeard).made(operation);
      return { result, circuitResult: made((await this.status()).result) };
    }
    const passage = await this.execute(options);
    if (!passage.result.allowed) return this.#refused(passage);
    const admission = new NodeAdmission(this, passage);
    const result = await new GuardedCall(circuit, admission, options, isHeard).made(operation);
    return { result, circuitResult: admission.after.result };
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
    result: CircuitBreakerResult,
  ): Context & Readonly<Record<string, unknown>> {
    return merged(context, this.outputVariable, result, NODE) as Context & Readonly<Record<string, unknown>>;
  }

  #ask<R>(call: (node: BreakerNodeResource) => R): R {
    return given(this.#core.runtime.ask(this.#policy, call), NODE);
  }

  #refused<R>({ result: circuitResult }: CircuitPassage): Guarded<R> {
    return this.fallbackAction === "skip" ? { circuitResult } : { result: this.fallbackValue as R, circuitResult };
  }
}

/** The result of a call that was made, whatever the circuit would say to another. */
function made(result: CircuitBreakerResult): CircuitBreakerResult {
  return { ...result, allowed: true, failedFast: false, fallbackUsed: false };
}
