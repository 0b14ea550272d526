//! The rate limiter by its contract, `wit/rate-limiter.wit`, on a fake clock and fake cells.
//!
//! The oracles in `oracle.rs` know the promises of the contract and the list of what was admitted,
//! and nothing of how the policy counts.

mod accuracy;
mod away;
mod behaviour;
mod change;
mod charge;
mod config;
mod contended;
mod corruption;
mod fleet;
mod history;
mod leases;
mod node;
mod oracle;
mod promise;
mod protocol;
mod queue;
mod queue_script;
mod rates;
mod refund;
mod retry;
mod stands;
mod state;
mod support;
mod upgrade;
