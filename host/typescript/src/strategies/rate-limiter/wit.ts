/** The contract of `wit/rate-limiter.wit` as jco presents it, tuned: a u64 is a number. */

/** What an answer to a rate limiter's call is; the words of the contract. */
export type Verdict = "allowed" | "wait" | "denied";

/** Why a call must wait or was denied, as the component says it. */
export type WitReason = "none" | "limit" | "max-wait" | "queue-full" | "queue-timeout";

/** A rate limiter's decision, as the component says it: 0 where there is none of something. */
export interface WitDecision {
  verdict: Verdict;
  reason: WitReason;
  atUs: number;
  /** 0: nothing was charged. */
  chargedAtUs: number;
  /** 0: not charged to a bucket. */
  fullAtUs: number;
  binding: number;
  count: number;
  limit: number;
  remaining: number;
  resetAfterMs: number;
  retryAfterMs: number;
  waitMs: number;
  /** 0: not in the queue. */
  position: number;
  waiting: number;
  /** 0: none. */
  ticket: number;
  discarded: number;
  leased: boolean;
  /** 0: no lease was taken. */
  releaseAfterMs: number;
}

/** Why a cost never fits, with the counts of the limit that admits the least. */
export interface WitCostNeverFits {
  cost: number;
  binding: number;
  limit: number;
  count: number;
  remaining: number;
}

/** How permits are counted. */
export type WitAlgorithm =
  | { readonly tag: "sliding-window"; readonly val: { readonly subWindows: number } }
  | { readonly tag: "gcra" | "token-bucket"; readonly val: { readonly burst: number | undefined } }
  | { readonly tag: "fixed-window" | "sliding-window-counter" | "sliding-log" };

/** A limit. */
export interface WitLimit {
  readonly limit: number;
  readonly window: { readonly unit: "millisecond" | "second" | "minute" | "hour" | "day"; readonly count: number };
  readonly algorithm: WitAlgorithm;
}

/** What happens to a call that is over a limit. */
export type WitOnLimit =
  | { readonly tag: "reject" }
  | { readonly tag: "delay"; readonly val: { readonly maxWaitMs: number } }
  | {
      readonly tag: "queue";
      readonly val: { readonly maxSize: number; readonly timeoutMs: number; readonly graceMs: number };
    };

/** A rate limiter's settings. */
export interface WitLimiterConfig {
  readonly limits: readonly WitLimit[];
  readonly onLimit: WitOnLimit;
  readonly lease?: { readonly maxPermits: number; readonly lifeMs: number } | undefined;
}

/** A checked rate limiter's configuration in an instance. */
export interface LimiterResource {
  acquire(entity: number, cost: number, priority: number, ticket: number): WitDecision;
  tryAcquire(entity: number, cost: number): WitDecision;
  peek(entity: number, cost: number): WitDecision;
  refund(entity: number, cost: number, chargedAtUs: number, fullAtUs: number): WitDecision;
  charge(entity: number, cost: number): WitDecision;
  cancel(entity: number, ticket: number): boolean;
  reset(entity: number): void;
  release(entity: number, now: boolean): number;
  post(entity: number, cost: number): WitDecision;
  share(hosts: number): LimiterResource;
  basis(): string;
  countsForUs(): bigint;
}

/** What the component exports of it. */
export interface RateLimiterGuest {
  readonly rateLimiter: { readonly Limiter: { open(config: WitLimiterConfig): LimiterResource } };
}
