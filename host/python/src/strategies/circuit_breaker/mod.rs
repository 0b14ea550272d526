//! The circuit breaker.

mod breaker;
mod failure;
mod node;
pub(crate) mod report;

pub(crate) use self::breaker::CircuitBreaker;
pub(crate) use self::node::CircuitBreakerNode;
pub(crate) use self::report::{CircuitReport, Permit, Transition};
