//! Several worker processes on one real store.
//!
//! A test starts [`worker::Worker`]s, each a process of its own with its own connection and clock,
//! and tells them what to do in lines of JSON ([`protocol`]). What they were admitted to is merged
//! and held against the [promise](strategies::rate_limiter::promise) of the limiter, which knows
//! nothing of how the limiter counts. Where the store is to fail meanwhile, workers keep up a load
//! in the background ([`endurance`]).

pub mod endurance;
pub mod failures;
pub mod host;
pub mod language;
pub mod protocol;
pub mod strategies;
mod words;
pub mod worker;
