/** What the package exports of rate limiters and their nodes. */

export {
  type Algorithm,
  type Lease,
  type Limit,
  type OnLimit,
  type OpenedLimiterConfig,
  perDay,
  perHour,
  perMinute,
  perSecond,
  type RateLimiterConfig,
} from "./config.js";
export type { Decision, Reason } from "./decision.js";
export * from "./errors.js";
export { type Admission, type Charge, type KeyedAsk, RateLimiter, type WrapOptions } from "./index.js";
export type { RateLimiterNodeConfig } from "./node/config.js";
export * from "./node/default.js";
export { RateLimiterNode } from "./node/index.js";
export type { NodeStep, Passage, RateLimiterResult } from "./node/result.js";
export type { Subject } from "./node/wit.js";
export { RateLimiterPermit } from "./permit.js";
export type { WindowUnit } from "./window.js";
export type { Verdict } from "./wit.js";
