//! The strategies, a folder each: their handles, answers and workflow nodes.
//!
//! Contexts and results of nodes cross as JSON text. Of a context the faces hand over only the
//! members that the node reads, and they put results into contexts themselves, so whatever else a
//! context holds never becomes JSON.

pub(crate) mod circuit_breaker;
pub(crate) mod rate_limiter;
