//! Workflow nodes: the rate limiter and the circuit breaker behind the JSON that workflow engines
//! send.
//!
//! A node is opened on its configuration, by
//! [`Tidegate::rate_limiter_node`](crate::Tidegate::rate_limiter_node) or
//! [`Tidegate::circuit_breaker_node`](crate::Tidegate::circuit_breaker_node), and used for many
//! contexts. Configurations and contexts are JSON: text, a
//! [`RawValue`](serde_json::value::RawValue) or a [`Value`](serde_json::Value).
//!
//! ```
//! use serde_json::json;
//! use tidegate::Tidegate;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let gate = Tidegate::builder().build()?;
//! let node = gate.rate_limiter_node(&json!({
//!     "limit": 2, "window": "minute", "keyType": "per-user", "behavior": "reject", "outputVariable": "rate",
//! }))?;
//!
//! // Native: a result with fields.
//! let context = json!({ "userId": 42, "order": "A-17" });
//! let passage = node.execute(&context).await?;
//! assert!(passage.result.passed);
//! assert_eq!(passage.result.current_count, 1);
//!
//! // JSON in, JSON out: the context passes through as it was written.
//! let context = r#"{"userId": "42", "total": 12345678901234567890.10}"#;
//! let passage = node.execute(context).await?;
//! let merged = node.output(context, &passage.json)?;
//! assert!(merged.starts_with(r#"{"userId": "42", "total": 12345678901234567890.10,"rate":{"passed":true,"#));
//!
//! // A circuit round an operation.
//! let config = json!({
//!     "circuitId": "payments", "failureThreshold": 3, "failureWindowMs": 10_000, "successThreshold": 1,
//!     "halfOpenTimeoutMs": 30_000, "fallbackAction": "default", "fallbackValue": "later", "monitoredErrors": "all",
//! });
//! let circuit = gate.circuit_breaker_node(&config)?;
//! let guarded = circuit.call(async { Ok::<_, std::io::Error>("paid".to_owned()) }).await?;
//! assert_eq!(guarded.result.as_deref(), Some("paid"));
//! # Ok(())
//! # }
//! ```
//!
//! In a durable workflow nothing may sleep inside a step. There, [`RateLimiterNode::begin`] and
//! [`RateLimiterNode::step`] say how long to wait and what to come back with, from any host.

pub(crate) mod cache;
pub(crate) mod json;
pub(crate) mod output;

pub use self::json::Json;
pub use self::output::NodeOutput;
pub use crate::strategies::circuit_breaker::node::{
    CircuitBreakerNode, CircuitPassage, CircuitResult, FallbackAction, Guarded,
};
pub use crate::strategies::rate_limiter::node::{NodeStep, Passage, RateLimiterNode, RateLimiterResult, Subject};
