//! The settings of the strategies.

pub(crate) mod circuit_breaker;
pub(crate) mod rate_limiter;
