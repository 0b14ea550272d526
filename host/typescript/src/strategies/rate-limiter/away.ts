/** What a limiter answers while the store is away. */

import type { Answer, Request } from "../../call.js";
import { asWritten } from "../../config.js";
import type { Core } from "../../core.js";
import { ConfigError, isStoreError } from "../../errors.js";
import type { Namespace } from "../../key.js";
import { Refused } from "../../runtime/index.js";
import type { LimiterPolicy } from "../../runtime/policy.js";
import type { WhenAway } from "../../when-away.js";
import type { RateLimiterConfig } from "./config.js";
import { blindDecision, type Decision } from "./decision.js";
import { decisionIn, peekRequest, refundRequest, tryAcquireRequest } from "./requests.js";

/** How the settings of a limiter are called where they are wrong. */
export const nameOf = (name: unknown) => `rate limiter ${JSON.stringify(name)}`;

/** Whether the answer lets something go that is to be charged. */
const takes = ({ kind }: Request) => kind === "tryAcquire" || kind === "acquire" || kind === "charge";

/** Answers in place of the store. */
export class LimiterAway {
  readonly #core: Core;
  readonly #name: string;
  readonly #namespace: Namespace;
  readonly #policy: LimiterPolicy;
  readonly #whenAway: WhenAway;
  /** What this host may let go alone. */
  readonly #share: LimiterPolicy | undefined;

  /** @throws {ConfigError} where the share is none */
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
    if (typeof whenAway === "string") return;
    const share = core.runtime.openLimiter(policy.config, whenAway.share);
    if (share instanceof Refused) throw new ConfigError(nameOf(name), share.problems.map(asWritten));
    this.#share = share;
  }

  /** Whether calls are answered here rather than with an error. */
  get answers(): boolean {
    return this.#whenAway !== "error";
  }

  /** The answer in place of an error. */
  inPlaceOf(error: unknown, key: string, cost: number, request: Request): Decision {
    if (!this.answers || !isStoreError(error)) throw error;
    return this.decide(key, cost, request, true);
  }

  /**
   * The answer. What it lets go is charged when the store is back, and a refund that was not sent
   * is sent then.
   */
  decide(key: string, cost: number, request: Request, isSent: boolean): Decision {
    const decision = this.#decide(key, cost, request);
    const owed = takes(request) && decision.verdict === "allowed" ? cost : 0;
    const { ledger } = this.#core;
    const entity = this.#namespace.entity(key);
    ledger?.degraded(entity, this.#policy, owed);
    if (request.kind !== "refund") return decision;
    if (isSent) this.#core.lost++;
    else ledger?.keep(entity, this.#policy, request);
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

  #decide(key: string, cost: number, request: Request): Decision {
    // What was used already cannot be refused.
    if (request.kind === "charge") return this.#charge(key, request);
    if (this.#share === undefined) return this.#blind(key);
    // Nobody waits for a share, and what was charged to the store is not in it.
    const isAsk = request.kind === "tryAcquire" || request.kind === "acquire";
    return this.#byShare(this.#share, key, isAsk ? tryAcquireRequest(cost) : peekRequest(cost));
  }

  #charge(key: string, request: Request): Decision {
    const decision = this.#share === undefined ? undefined : this.#byShare(this.#share, key, request);
    return decision?.verdict === "allowed" ? decision : blindDecision("allowed", 0);
  }

  #byShare(share: LimiterPolicy, key: string, request: Request): Decision {
    let answer: Answer;
    try {
      answer = this.#core.alone.limit(this.#namespace.tag(key), this.#core.storeUs(), share, request);
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
