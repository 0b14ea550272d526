//! Loads on circuits, and what became of them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tidegate::{CircuitBreakerConfig, Permit};

use crate::failures::{Failures, merge_failures};

/// Tasks that call something through a circuit again and again. It is down in every other period of
/// the machine's clock, so all workers meet it alike.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CircuitLoad {
    /// The circuit.
    pub breaker: CircuitBreakerConfig,
    /// Which of them.
    pub key: String,
    /// How many tasks call at once.
    pub tasks: usize,
    /// How long a call takes, and how long a task rests after it, at least a millisecond each.
    pub pause_ms: u64,
    /// How long what is called stays up, and then down.
    pub period_ms: u64,
}

/// What became of a load on a circuit.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct CircuitToll {
    /// The calls that were admitted, be it without the store.
    pub passages: Vec<Passage>,
    /// How many calls were refused, by effect as the contract spells it.
    pub refused: BTreeMap<String, u64>,
    /// How many of them without the store.
    pub refused_degraded: u64,
    /// The calls and outcomes that failed, by what their errors say.
    pub failures: BTreeMap<String, Failures>,
    /// How long the longest question took, however it ended.
    pub longest_us: u64,
}

/// A call that a circuit admitted.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Passage {
    /// When the question began, by the machine's clock, in microseconds since 1970.
    pub start_us: u64,
    /// When it had its answer.
    pub end_us: u64,
    /// What it was admitted with.
    pub permit: Permit,
    /// What the circuit said to its outcome; none: nothing, so whether it counts is not known.
    pub told: Option<Told>,
    /// When the outcome began to be told, by the machine's clock, in microseconds since 1970.
    pub telling_us: u64,
}

/// A circuit's answer to an outcome.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Told {
    /// When it came, by the machine's clock, in microseconds since 1970.
    pub end_us: u64,
    /// As the contract spells it.
    pub effect: String,
    /// The state after it, as the contract spells it.
    pub state: String,
    /// Why the state changed, if it did, as the contract spells it.
    pub cause: Option<String>,
    /// The generation after it.
    pub generation: u64,
    /// Whether it was taken in without the store.
    pub degraded: bool,
}

impl CircuitToll {
    /// Takes in what became of the same load in another worker.
    pub fn merge(&mut self, other: Self) {
        self.passages.extend(other.passages);
        for (effect, count) in other.refused {
            *self.refused.entry(effect).or_default() += count;
        }
        self.refused_degraded += other.refused_degraded;
        merge_failures(&mut self.failures, other.failures);
        self.longest_us = self.longest_us.max(other.longest_us);
    }
}
