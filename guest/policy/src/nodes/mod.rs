//! Workflow nodes: the rate limiter and the circuit breaker behind JSON, as `wit/nodes.wit` writes
//! it.
//!
//! A node is a checked configuration around the very policy that an SDK opens: nothing here counts
//! or decides. It reads the JSON of a configuration and of a context, tells which entity a call is
//! about, and writes what the policy decided as a result.
//!
//! Invariants:
//! - What decides sees the entity and a token, never the context.
//! - A configuration is read by the declaration that its JSON Schema is written from, so they
//!   cannot drift.
//! - No text makes anything here panic, and what is not understood is reported with its path.
//!
//! ```
//! use tidegate_policy::fake::FakeWorld;
//! use tidegate_policy::nodes::RateLimiterNode;
//!
//! let config = r#"{"limit": 1, "window": "second", "keyType": "per-user", "behavior": "reject"}"#;
//! let node = RateLimiterNode::open(config).expect("the configuration is sound");
//! let subject = node.subject(r#"{"userId": 42}"#).expect("the key is there");
//! assert_eq!((subject.name.as_str(), subject.key.as_str()), ("node/per-user/1.1-second", "42"));
//!
//! let mut world = FakeWorld::at_us(1_700_000_000_000_000);
//! let step = node.step(&mut world, 0, subject.priority, "").expect("the token is empty");
//! let merged = node.output(r#"{"userId": 42, "total": 1.10}"#, &step.result).expect("both are objects");
//! assert_eq!(
//!     merged,
//!     r#"{"userId": 42, "total": 1.10,"passed":true,"queued":false,"waitTime":0,"currentCount":1,"limit":1,"resetIn":1000}"#,
//! );
//! ```

pub(crate) mod declaration;
pub(crate) mod entry;
pub(crate) mod json;
pub(crate) mod merge;
pub(crate) mod path;
mod registry;
mod schema;
pub(crate) mod time;

pub use self::registry::registry;
pub use crate::strategies::circuit_breaker::node::{CircuitBreakerNode, CircuitStep, FallbackAction};
pub use crate::strategies::rate_limiter::node::{RateLimiterNode, Step, Subject};
