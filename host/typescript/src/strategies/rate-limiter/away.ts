/** What a limiter answers while the store is away. */

import { asWritten } from "../../config.js";
import type { Core } from "../../core.js";
import { ConfigError, isStoreError } from "../../errors.js";
import type { Namespace } from "../../key.js";
import { Refused } from "../../runtime/refused.js";
import { type Owed, Policy } from "../../strategy.js";
import type { WhenAway } from "../../when-away.js";
import { decisionIn } from "./answer.js";
import type { RateLimiterConfig } from "./config.js";
import { blindDecision, type Decision } from "./decision.js";
import {
  type Decided,
  type DecisionRequest,
  type LimiterPolicy,
  peekRequest,
  type Request,
  refundRequest,
  tryAcquireRequest,
} from "./request.js";
import { limiters } from "./strategy.js";

/** How the settings of a limiter are called where they are wrong. */
export const nameOf = (name: unknown) => `rate limiter ${JSON.stringify(name)}`;

/** Whether the answer lets something go that is to be charged. */
const takes = ({ kind }: DecisionRequest) => kind === "tryAcquire" || kind === "acquire" || kind === "charge";

/** Charges what was let go. */
const post = (cost: number): Request => ({ kind: "post", cost });

/** Of a component that failed, debts count for ever: too much is charged rather than too little. */
function countsForUs({ runtime }: Core, policy: LimiterPolicy): number {
  const us = runtime.ask(policy, limiter => limiter.countsForUs());
  return us instanceof Refused ? Number.MAX_SAFE_INTEGER : Number(us);
}

/** Answers in place of the store. */
export class LimiterAway {
  readonly #core: Core;
  readonly #name: string;
  readonly #namespace: Namespace;
  readonly #policy: LimiterPolicy;
  readonly #whenAway: WhenAway;
  /** For how long a permit can count at most, in microseconds. */
  readonly #countsForUs: number;
  /** What this host may let go alone. */
  readonly #share: LimiterPolicy | undefined;

  /** @throws {ConfigError} where nothing is left for a share */
  constructor(
    core: Core,
    namespace: Namespace,
    policy: LimiterPolicy,
    { name, whenAway = "error" }: RateLimiterConfig,
  ) {
    this.#core = core;
    this.#name = name;
    this.#namespace = namespace;
    this.#policy = policy;
    this.#whenAway = whenAway;
    this.#countsForUs = countsForUs(core, policy);
    if (typeof whenAway === "string") return;
    const share = core.runtime.open(new Policy(limiters, { ...policy.config, hosts: whenAway.share }));
    if (share instanceof Refused) throw new ConfigError(nameOf(name), share.problems.map(asWritten));
    this.#share = share;
  }

  /** Whether calls are answered here rather than with an error. */
  get answers(): boolean {
    return this.#whenAway !== "error";
  }

  /** The answer in place of an error. */
  inPlaceOf(error: unknown, key: string, cost: number, request: DecisionRequest): Decision {
    if (!this.answers || !isStoreError(error)) throw error;
    return this.decide(key, cost, request, true);
  }

  /**
   * The answer. What it lets go is charged when the store is back, and a refund that was not sent
   * is sent then.
   */
  decide(key: string, cost: number, request: DecisionRequest, isSent: boolean): Decision {
    const decision = this.#decide(key, cost, request);
    const isOwed = takes(request) && decision.verdict === "allowed" && cost > 0;
    const { ledger } = this.#core;
    const entity = this.#namespace.entity(key);
    ledger?.degraded(entity, this.#policy, isOwed ? this.#owed(cost) : undefined);
    if (request.kind !== "refund") return decision;
    if (isSent) this.#core.lost++;
    else ledger?.park(entity, this.#policy, request);
    return decision;
  }

  /**
   * Gives back what was let go here. Charged already, it stays charged: the limits see too much
   * rather than too little.
   */
  refund(
    key: string,
    cost: number,
    charged: Pick<Decision, "chargedAtUs"> & Partial<Pick<Decision, "fullAtUs">>,
  ): Decision {
    this.#core.ledger?.forgive(this.#namespace.entity(key), cost);
    const request = refundRequest(cost, charged);
    return this.#share === undefined ? this.#blind(key) : this.#byShare(this.#share, key, request);
  }

  #owed(cost: number): Owed<Request> {
    return { cost, countsForUs: this.#countsForUs, post };
  }

  #decide(key: string, cost: number, request: DecisionRequest): Decision {
    // What was used already cannot be refused.
    if (request.kind === "charge") return this.#charge(key, request);
    if (this.#share === undefined) return this.#blind(key);
    // Nobody waits for a share, and what was charged to the store is not in it.
    const isAsk = request.kind === "tryAcquire" || request.kind === "acquire";
    return this.#byShare(this.#share, key, isAsk ? tryAcquireRequest(cost) : peekRequest(cost));
  }

  #charge(key: string, request: DecisionRequest): Decision {
    const decision = this.#share === undefined ? undefined : this.#byShare(this.#share, key, request);
    return decision?.verdict === "allowed" ? decision : blindDecision("allowed", 0);
  }

  #byShare(share: LimiterPolicy, key: string, request: DecisionRequest): Decision {
    let answer: Decided;
    try {
      answer = this.#core.alone.run(this.#namespace.tag(key), this.#core.storeUs(), share, request);
    } catch (error) {
      if (!isStoreError(error)) throw error;
      // There is no room for one more key.
      return this.#blind(key, "denied");
    }
    return decisionIn(answer, this.#name, true);
  }

  #blind(key: string, verdict: "allowed" | "denied" = this.#whenAway === "open" ? "allowed" : "denied"): Decision {
    const { ledger } = this.#core;
    const retryAfterMs = verdict === "allowed" ? 0 : (ledger?.retryAfterMs(this.#namespace.entity(key)) ?? 0);
    return blindDecision(verdict, retryAfterMs);
  }
}
