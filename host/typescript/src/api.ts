/** What the package exports, wherever its component comes from. */

export type { Ask, AskOptions } from "./ask.js";
export type { PlatformSignal } from "./attempt.js";
export type { StoreChange, StoreListener, StoreState, StoreWatchOptions } from "./away/state.js";
export * as blocking from "./blocking.js";
export { type Clock, ManualClock, SystemClock } from "./clock.js";
export { errorFrom } from "./error-from.js";
export * from "./errors.js";
export { type FromEnvOptions, type Stats, Tidegate, type TidegateOptions } from "./gate.js";
export type { SettingsDiffer, SettingsListener } from "./ledger/notes.js";
export type { LedgerOptions } from "./ledger/options.js";
export type { LedgerStats } from "./ledger/stats.js";
export * from "./nodes/index.js";
export type { PlainError } from "./plain-error.js";
export type { Problem } from "./problem.js";
export type { RuntimeStats } from "./runtime/index.js";
export type { Signal } from "./signal.js";
export * from "./store/index.js";
export * from "./strategies/circuit-breaker/api.js";
export * from "./strategies/rate-limiter/api.js";
export type { CircuitWhenAway, WhenAway } from "./when-away.js";
