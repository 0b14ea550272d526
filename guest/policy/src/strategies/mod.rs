//! The strategies, a folder each. A new one is a folder here, with its workflow node in `node`, and
//! an entry in [`NODES`].

pub mod circuit_breaker;
pub mod rate_limiter;

use crate::nodes::entry::Entry;

/// The nodes of all strategies.
pub(crate) static NODES: [&Entry; 2] = [&rate_limiter::node::ENTRY, &circuit_breaker::node::ENTRY];
