//! The circuit breaker.

mod away;
pub(crate) mod blocking;
mod calls;
mod config;
mod error;
mod failure;
mod guarded;
mod handle;
mod judging;
mod nested;
pub(crate) mod node;
mod pattern;
mod permit;
mod report;
mod request;
mod telling;
mod texts;
mod timed;

pub use self::config::{Backoff, CircuitBreakerConfig, FailureCount, HalfOpen, ProbeRule, Sample, SlowRate, Trip};
pub use self::error::CallError;
pub use self::failure::Failure;
pub use self::guarded::Guard;
pub use self::handle::CircuitBreaker;
pub use self::judging::{AsTold, FailureIf, FailureOf, Given, Never, ResultFailure, http_failure};
pub use self::pattern::{ErrorPart, ErrorPattern, Others};
pub use self::permit::CircuitBreakerPermit;
pub use self::report::{Cause, CircuitReport, Effect, Mode, Permit, State, Transition};
pub(crate) use self::request::{Breakers, Request};
pub use self::telling::{AnyError, CallFailure, Held, Typed};
