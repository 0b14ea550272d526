//! The workflow nodes of all strategies. What each does is tested beside its strategy, in
//! `rate_limiter/node` and `circuit_breaker/node`.

mod registry;
