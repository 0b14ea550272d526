//! The settings of circuit breakers.

#[path = "../../../../host/rust/src/strategies/circuit_breaker/config.rs"]
mod config;
#[path = "../../../../host/rust/src/strategies/circuit_breaker/report.rs"]
mod report;

pub use config::{Backoff, CircuitBreakerConfig, HalfOpen};
