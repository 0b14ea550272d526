//! The strategies, a folder each: what a test and a worker say of one (`protocol`), how a worker
//! carries it out (`work`), loads on it (`load`) and how a worker keeps them up (`kept`).
//! [`crate::protocol`] lists their commands and answers.

pub mod circuit_breaker;
pub mod rate_limiter;
