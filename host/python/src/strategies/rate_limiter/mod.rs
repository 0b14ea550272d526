//! The rate limiter.

pub(crate) mod decision;
mod decisions;
mod limiter;
mod node;

pub(crate) use self::decision::{Admission, Decision};
pub(crate) use self::limiter::RateLimiter;
pub(crate) use self::node::RateLimiterNode;
