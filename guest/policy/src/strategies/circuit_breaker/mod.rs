//! Circuit breaker: fails fast while what it protects is failing.
//!
//! It decides whether a call may go out, from what became of the calls before it. The contract is
//! `wit/circuit-breaker.wit`; the types here are those, name by name.
//!
//! Two cells of an entity hold all state: field [`STATE`] what the hosts agree on, which changes
//! only when the state does, and field [`METRICS`] what was counted. Admissions and reads steer by
//! the state cell alone, so counting never makes them wait.
//!
//! Invariants:
//! - The state and the metrics are decided on as [`Kv::get`](crate::kv::Kv::get) read them in the
//!   same run. What [`Kv::observe`](crate::kv::Kv::observe) read shapes reports only.
//! - Every state change starts a generation that was never used before, and an outcome counts in
//!   its own generation only.
//! - A time earlier than one that a cell already holds counts as that one.
//! - Stored text is not trusted: what does not decode, or cannot be true, counts as absent and is
//!   reported.
//!
//! ```
//! use tidegate_policy::circuit_breaker::{
//!     CircuitBreaker, Config, Effect, Error, FailureCount, HalfOpen, Mode, Others, ProbeRule, Sample, State, Trip,
//! };
//! use tidegate_policy::fake::FakeWorld;
//!
//! let config = Config {
//!     trip: Trip {
//!         failures: Some(FailureCount { count: 2, within_ms: 10_000 }),
//!         consecutive: None,
//!         failure_rate: None,
//!         slow_rate: None,
//!         sample: Sample::Calls(1),
//!         minimum_calls: 1,
//!     },
//!     open_ms: 5_000,
//!     backoff: None,
//!     half_open: HalfOpen { probes: 1, successes: 1, permit_ms: 30_000, rule: ProbeRule::FirstFailure },
//!     monitored: vec![],
//!     others: Others::Ignored,
//!     ignored: vec![],
//!     mode: Mode::Normal,
//! };
//! let breaker = CircuitBreaker::open(&config).expect("the configuration is sound");
//! let mut world = FakeWorld::at_us(1_700_000_000_000_000);
//! for _ in 0..2 {
//!     let permit = breaker.admit(&mut world, 0).permit;
//!     breaker.failed(&mut world, 0, permit, 12, &[Error { status: "503", ..Error::default() }]);
//! }
//! let refused = breaker.admit(&mut world, 0);
//! assert_eq!((refused.effect, refused.state, refused.retry_after_ms), (Effect::RefusedOpen, State::Open, 5_000));
//! ```

mod breaker;
mod call;
mod config;
mod half_open;
mod metrics;
pub(crate) mod node;
mod open;
mod pattern;
mod record;
mod report;
mod rules;

pub use breaker::CircuitBreaker;
pub use config::{
    Backoff, Config, ErrorPart, ErrorPattern, FailureCount, FailureRate, HalfOpen, Mode, Others, ProbeRate, ProbeRule,
    SlowRate, Trip,
};
pub use report::{Cause, Effect, Error, Event, Permit, Report, Settle, State};
pub(crate) use rules::{MAX_CALLS, MAX_PATTERNS};

pub(crate) use crate::parts::sample::MAX_REMEMBERED;
pub use crate::parts::sample::Sample;

/// The field of the state cell.
pub const STATE: u32 = 1;
/// The field of the metrics cell.
pub const METRICS: u32 = 2;

const DAY_MS: u64 = 86_400_000;
/// The longest open time.
pub(crate) const MAX_OPEN_MS: u64 = 30 * DAY_MS;
/// A circuit that no call asks after for this long is forgotten: its order, its open time, and
/// counts that have no age.
const FORGOTTEN_MS: u64 = 30 * DAY_MS;
/// Outcomes of calls that were admitted longer ago are late, so that no generation must be
/// remembered for longer.
const MAX_OUTCOME_AGE_US: u64 = DAY_MS * 1_000;
/// A stored time that is further ahead of the clock than this cannot be true.
const AHEAD_US: u64 = DAY_MS * 1_000;
