//! The settings of rate limiters.

#[path = "../../../../host/rust/src/strategies/rate_limiter/config.rs"]
mod config;
#[path = "../../../../host/rust/src/strategies/rate_limiter/limit_text.rs"]
pub(crate) mod limit_text;

pub use config::RateLimiterConfig;
