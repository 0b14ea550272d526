//! What the circuit breaker promises, on a fake clock and fake cells.

mod checking;
mod closed;
mod common;
mod corrupted;
mod errors;
mod half_open;
mod model;
mod modes;
mod node;
mod open;
mod probe_rules;
mod properties;
mod script;
