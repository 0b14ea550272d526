//! The strategies, a folder each.

mod circuit_breaker;
mod rate_limiter;
