//! Resilience policies that decide alike in every language: one compiled component, run in Rust,
//! TypeScript and Python workers, on state that they share.
//!
//! ```
//! use std::time::Duration;
//! use tidegate::{CircuitBreakerConfig, Limit, OnLimit, RateLimiterConfig, Tidegate};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // In memory; `.store(Redis::connect(url).await?)` shares the state of all processes, in whatever language.
//! let gate = Tidegate::builder().build()?;
//!
//! let limit = Limit::per_second(10);
//! let limiter = gate.rate_limiter(
//!     RateLimiterConfig::new("api", limit).on_limit(OnLimit::queue(100, Duration::from_secs(30))),
//! )?;
//! let breaker = gate.circuit_breaker(CircuitBreakerConfig::consecutive("payments", 5))?;
//!
//! limiter.acquire("user-42").await?;
//! let answer = breaker.call(async { Ok::<_, std::io::Error>("paid") }).await?;
//! assert_eq!(answer, "paid");
//! # Ok(())
//! # }
//! ```
//!
//! A [`Tidegate`] has a store and a clock. From it, a [`RateLimiterConfig`] opens a [`RateLimiter`]
//! and a [`CircuitBreakerConfig`] a [`CircuitBreaker`]. Without async, on the memory store, see
//! [`blocking`]. The nodes of workflow editors, with JSON in and out, are in [`nodes`].
//!
//! Every decision is made by the component; this crate runs it, commits what it did to the store,
//! and obeys. How that works is written in the repository's `ARCHITECTURE.md`.

mod away;
mod background;
pub mod blocking;
mod call;
mod clock;
mod core;
mod error;
mod gate;
pub mod guard;
mod json;
pub mod key;
mod ledger;
pub mod nodes;
mod problem;
mod runtime;
#[doc(hidden)]
pub mod settings;
mod standing;
mod stats;
pub mod store;
mod strategies;
mod strategy;
mod time;
mod transaction;

pub use self::away::{StoreChange, StoreState, StoreWatch, WhenAway};
pub use self::background::given_back;
pub use self::clock::{Clock, ManualClock, SystemClock};
pub use self::error::{Error, Problem};
pub use self::gate::{Builder, Tidegate};
pub use self::ledger::SettingsDiffer;
pub use self::runtime::{LoadError, RunError, RuntimeStats};
pub use self::stats::Stats;
#[cfg(feature = "redis")]
pub use self::store::redis::Redis;
pub use self::store::{Forgotten, Memory, MemoryBuilder, WhenFull};
pub use self::strategies::circuit_breaker::{
    Backoff, CallError, Cause, CircuitBreaker, CircuitBreakerConfig, CircuitBreakerPermit, CircuitReport, Effect,
    ErrorPart, ErrorPattern, Failure, FailureCount, HalfOpen, Mode, Others, Permit, ProbeRule, Sample, SlowRate, State,
    Transition, Trip, http_failure,
};
pub use self::strategies::rate_limiter::{
    Admission, Algorithm, Ask, Decision, Lease, Limit, OnLimit, RateLimiter, RateLimiterConfig, Reason, Ticket,
    Verdict, WindowUnit,
};

/// The samples of the crate's README compile and run.
#[cfg(all(doctest, feature = "redis"))]
#[doc = include_str!("../README.md")]
struct Readme;

/// That of the repository's compiles.
#[cfg(all(doctest, feature = "redis"))]
#[doc = include_str!("../../../README.md")]
struct ReadmeOfRepository;
