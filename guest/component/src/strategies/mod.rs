//! The strategies, a folder each: `mod.rs` is the strategy's own interface, `node.rs` its resource
//! of the interface `nodes`.
//!
//! A new one is a folder, its module, and the type of its node.

mod circuit_breaker;
mod rate_limiter;

use alloc::string::String;

use tidegate_policy::nodes;

use crate::bindings::Component;
use crate::bindings::exports::tidegate::policy::nodes::Guest;

impl Guest for Component {
    type RateLimiterNode = nodes::RateLimiterNode;
    type CircuitBreakerNode = nodes::CircuitBreakerNode;

    fn registry() -> String {
        nodes::registry()
    }
}
