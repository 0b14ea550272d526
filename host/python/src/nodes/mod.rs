//! Workflow nodes.
//!
//! Contexts and results cross as JSON text. Of a context the faces hand over only the members that
//! the node reads, and they put results into contexts themselves, so whatever else a context holds
//! never becomes JSON.

mod circuit_breaker;
mod opened;
mod rate_limiter;

pub(crate) use circuit_breaker::{CircuitBreakerNode, passage_parts};
pub(crate) use opened::OpenedNodes;
pub(crate) use rate_limiter::{RateLimiterNode, step_parts};
