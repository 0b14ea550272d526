//! Loads that a worker keeps up in the background while a test makes the store fail, and what became of them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tidegate::RateLimiterConfig;

use crate::protocol::Admitted;

/// Tasks that ask a limiter again and again, whatever comes of it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Load {
    /// The limiter.
    pub limiter: RateLimiterConfig,
    /// For whom.
    pub key: String,
    /// The tasks take turns in these costs.
    pub costs: Vec<u32>,
    /// How many tasks ask at once.
    pub tasks: usize,
    /// Whether a task that is told to wait does so, by `acquire`.
    #[serde(default)]
    pub waits: bool,
    /// How long a task rests after each call, at least a millisecond: a test of faults is not one of speed.
    pub pause_ms: u64,
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
    /// Each load has had a call admitted by the store that began since then. A refusal would not show that the store is
    /// there: those are answered without it.
    Served,
    /// The same, of these loads, counted from 0.
    ServedAmong(Vec<usize>),
    /// Some call has failed since then, in words that contain this text.
    Failed(String),
    /// Each load has had an answer since then that was given without the store.
    Degraded,
}

/// What became of all loads of a worker.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Endured {
    /// In the order of the loads.
    pub tolls: Vec<Toll>,
    /// Calls that were repeated and did something else, so far in this process.
    pub diverged: u64,
    /// Stored values that were not ours, so far in this process.
    pub foreign: u64,
}

/// What became of a load.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Toll {
    /// The calls that the store admitted.
    pub admitted: Vec<Admitted>,
    /// How many calls were denied by what the store said, at once or after they had waited.
    pub denied: u64,
    /// The calls that were admitted without the store; their `at_us` is the host's own, or their end.
    pub degraded: Vec<Admitted>,
    /// How many calls were denied for want of the store.
    pub degraded_denied: u64,
    /// The calls that failed, by what their errors say, with `#` for each number.
    pub failures: BTreeMap<String, Failures>,
    /// How long the longest call took, however it ended.
    pub longest_us: u64,
}

/// The calls that failed in the same words.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Failures {
    /// How many.
    pub calls: u64,
    /// The permits that they asked for. Whether these were charged is not known.
    pub permits: u64,
    /// When the last of them ended, by the machine's clock, in microseconds since 1970.
    pub last_us: u64,
}

impl Toll {
    /// Takes in what became of the same load in another worker.
    pub fn merge(&mut self, other: Self) {
        self.admitted.extend(other.admitted);
        self.denied += other.denied;
        self.degraded.extend(other.degraded);
        self.degraded_denied += other.degraded_denied;
        for (text, failures) in other.failures {
            let sum = self.failures.entry(text).or_default();
            sum.calls += failures.calls;
            sum.permits += failures.permits;
            sum.last_us = sum.last_us.max(failures.last_us);
        }
        self.longest_us = self.longest_us.max(other.longest_us);
    }

    /// The permits of the calls that failed.
    pub fn failed_permits(&self) -> u64 {
        self.failures.values().map(|failures| failures.permits).sum()
    }
}
