//! Loads that a worker keeps up in the background while a test makes the store fail, and what
//! became of them.

use serde::{Deserialize, Serialize};

use crate::strategies::circuit_breaker::load::{CircuitLoad, CircuitToll};
use crate::strategies::rate_limiter::load::{Load, Toll};

/// All that a worker keeps up.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Loads {
    /// On limiters.
    pub limiters: Vec<Load>,
    /// On circuits.
    pub circuits: Vec<CircuitLoad>,
}

impl From<Vec<Load>> for Loads {
    fn from(limiters: Vec<Load>) -> Self {
        Self { limiters, circuits: Vec::new() }
    }
}

impl<const N: usize> From<[Load; N]> for Loads {
    fn from(limiters: [Load; N]) -> Self {
        Vec::from(limiters).into()
    }
}

/// Waits until something has befallen the loads.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Watch {
    /// From when on it counts, by the machine's clock, in microseconds since 1970.
    pub since_us: u64,
    /// What is waited for.
    pub signal: Signal,
}

/// What may befall loads.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Signal {
    /// Each load has had a call admitted by the store that began since then. A refusal would not
    /// show that the store is there: those are answered without it.
    Served,
    /// The same, of these loads of limiters, counted from 0.
    ServedAmong(Vec<usize>),
    /// Some limiter has let a call go on a lease since then.
    Leased,
    /// The store has said of each circuit since then that it is open, and that it is closed.
    Turned,
    /// This host alone has, without the store.
    TurnedAlone,
    /// Some call has failed since then, in words that contain this text.
    Failed(String),
    /// Each load has had an answer since then that was given without the store.
    Degraded,
}

/// What became of all loads of a worker.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Endured {
    /// In the order of the loads of limiters.
    pub tolls: Vec<Toll>,
    /// In the order of the loads of circuits.
    #[serde(default)]
    pub circuits: Vec<CircuitToll>,
    /// Calls that were repeated and did something else, so far in this process.
    pub diverged: u64,
    /// Stored values that were not ours, so far in this process.
    pub foreign: u64,
    /// Background work that failed and was dropped, so far in this process.
    #[serde(default)]
    pub lost: u64,
}
