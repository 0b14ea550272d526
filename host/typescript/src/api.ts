/** What the package exports, wherever its component comes from. */

export type { Ask, AskOptions } from "./ask.js";
export type { PlatformSignal } from "./attempt.js";
export type { StoreChange, StoreListener, StoreState, StoreWatchOptions } from "./away/state.js";
export * as blocking from "./blocking.js";
export type { CircuitMode, CircuitPermit, CircuitState, Failure, Verdict } from "./call.js";
export { type Clock, ManualClock, SystemClock } from "./clock.js";
export { errorFrom } from "./error-from.js";
export * from "./errors.js";
export { type FromEnvOptions, type Stats, Tidegate, type TidegateOptions } from "./gate.js";
export type { LedgerOptions } from "./ledger/ledger.js";
export type { SettingsDiffer, SettingsListener } from "./ledger/notes.js";
export type { LedgerStats } from "./ledger/stats.js";
export * from "./nodes/index.js";
export type { PlainError } from "./plain-error.js";
export type { Problem } from "./problem.js";
export type { RuntimeStats } from "./runtime/index.js";
export type { Signal } from "./signal.js";
export * from "./store/index.js";
export type {
  CircuitBreakerConfig,
  ErrorClass,
  ErrorPart,
  ErrorPattern,
  ProbeRule,
  Trip,
} from "./strategies/circuit-breaker/config.js";
export { failureOf } from "./strategies/circuit-breaker/failure.js";
export type { Operation } from "./strategies/circuit-breaker/guarded.js";
export { httpFailure } from "./strategies/circuit-breaker/http.js";
export { CircuitBreaker, type GuardOptions } from "./strategies/circuit-breaker/index.js";
export type { CallOptions, Counting, FailureIf, FailureOf } from "./strategies/circuit-breaker/options.js";
export { CircuitBreakerPermit } from "./strategies/circuit-breaker/permit.js";
export type { Cause, CircuitReport, Effect, Transition } from "./strategies/circuit-breaker/report.js";
export type {
  Algorithm,
  Lease,
  Limit,
  OnLimit,
  OpenedLimiterConfig,
  RateLimiterConfig,
} from "./strategies/rate-limiter/config.js";
export { perDay, perHour, perMinute, perSecond } from "./strategies/rate-limiter/config.js";
export type { Decision, Reason } from "./strategies/rate-limiter/decision.js";
export {
  type Admission,
  type Charge,
  type KeyedAsk,
  RateLimiter,
  type WrapOptions,
} from "./strategies/rate-limiter/index.js";
export { RateLimiterPermit } from "./strategies/rate-limiter/permit.js";
export type { WindowUnit } from "./strategies/rate-limiter/window.js";
export type { CircuitWhenAway, WhenAway } from "./when-away.js";
