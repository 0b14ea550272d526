/** What the package exports, wherever its component comes from. */

export type { Ask, AskOptions } from "./ask.js";
export type { PlatformSignal } from "./attempt.js";
export type { StoreChange, StoreListener, StoreState, StoreWatchOptions } from "./away/state.js";
export * as blocking from "./blocking.js";
export type { CircuitMode, CircuitPermit, CircuitState, Failure, Verdict } from "./call.js";
export type {
  CircuitBreakerConfig,
  ErrorClass,
  ErrorPart,
  ErrorPattern,
  ProbeRule,
  Trip,
} from "./circuit-breaker/config.js";
export { failureOf } from "./circuit-breaker/failure.js";
export type { Operation } from "./circuit-breaker/guarded.js";
export { httpFailure } from "./circuit-breaker/http.js";
export { CircuitBreaker, type GuardOptions } from "./circuit-breaker/index.js";
export type { CallOptions, Counting, FailureIf, FailureOf } from "./circuit-breaker/options.js";
export { CircuitBreakerPermit } from "./circuit-breaker/permit.js";
export type { Cause, CircuitReport, Effect, Transition } from "./circuit-breaker/report.js";
export { type Clock, ManualClock, SystemClock } from "./clock.js";
export { errorFrom } from "./error-from.js";
export * from "./errors.js";
export { type FromEnvOptions, type Stats, Tidegate, type TidegateOptions } from "./gate.js";
export type { SettingsDiffer, SettingsListener } from "./ledger/basis.js";
export type { LedgerOptions } from "./ledger/ledger.js";
export type { LedgerStats } from "./ledger/stats.js";
export * from "./nodes/index.js";
export type { PlainError } from "./plain-error.js";
export type { Problem } from "./problem.js";
export type {
  Algorithm,
  Lease,
  Limit,
  OnLimit,
  OpenedLimiterConfig,
  RateLimiterConfig,
} from "./rate-limiter/config.js";
export { perDay, perHour, perMinute, perSecond } from "./rate-limiter/config.js";
export type { Decision, Reason } from "./rate-limiter/decision.js";
export { type Admission, type Charge, type KeyedAsk, RateLimiter, type WrapOptions } from "./rate-limiter/index.js";
export { RateLimiterPermit } from "./rate-limiter/permit.js";
export type { WindowUnit } from "./rate-limiter/window.js";
export type { RuntimeStats } from "./runtime/index.js";
export type { Signal } from "./signal.js";
export * from "./store/index.js";
export type { CircuitWhenAway, WhenAway } from "./when-away.js";
