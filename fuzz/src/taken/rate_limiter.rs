//! The settings of rate limiters.

#[path = "../../../host/rust/src/rate_limiter/config.rs"]
mod config;

pub use config::RateLimiterConfig;
