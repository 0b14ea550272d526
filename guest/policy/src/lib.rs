//! The resilience policies of Tidegate, as pure functions of a configuration, a clock and a few
//! cells.
//!
//! Nothing here does I/O, reads an ambient clock, draws a random number or keeps state between
//! calls: a policy holds its checked configuration, and all state lives in cells that the host
//! commits. See [`kv`] for what a policy may see.

#![no_std]

extern crate alloc;

#[cfg(any(test, feature = "fake"))]
pub mod fake;
pub mod kv;
pub mod nodes;
mod parts;
pub mod problem;
mod strategies;
mod text;

pub use strategies::{circuit_breaker, rate_limiter};
