//! Loads that a worker keeps up in the background while a test makes the store fail, and what
//! became of them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tidegate::{CircuitBreakerConfig, Permit, RateLimiterConfig};

use crate::protocol::Admitted;

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
    /// How long a task rests after each call, at least a millisecond: a test of faults is not one
    /// of speed.
    pub pause_ms: u64,
}

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

/// What became of a load.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Toll {
    /// The calls that the store admitted.
    pub admitted: Vec<Admitted>,
    /// How many calls were denied by what the store said, at once or after they had waited.
    pub denied: u64,
    /// The calls that were admitted without the store; their `at_us` is the host's own, or their
    /// end.
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

/// Adds a call that failed.
pub fn add_failure(failures: &mut BTreeMap<String, Failures>, error: &str, permits: u64, end_us: u64) {
    let sum = failures.entry(in_words(error)).or_default();
    sum.calls += 1;
    sum.permits += permits;
    sum.last_us = end_us;
}

/// The text without its numbers: how long until the store is asked again is another in each error.
fn in_words(text: &str) -> String {
    let mut words = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '0'..='9' if words.ends_with('#') => {}
            '0'..='9' => words.push('#'),
            other => words.push(other),
        }
    }
    words
}

/// Adds the failures of another worker.
pub fn merge_failures(all: &mut BTreeMap<String, Failures>, other: BTreeMap<String, Failures>) {
    for (text, failures) in other {
        let sum = all.entry(text).or_default();
        sum.calls += failures.calls;
        sum.permits += failures.permits;
        sum.last_us = sum.last_us.max(failures.last_us);
    }
}

impl Toll {
    /// Takes in what became of the same load in another worker.
    pub fn merge(&mut self, other: Self) {
        self.admitted.extend(other.admitted);
        self.denied += other.denied;
        self.degraded.extend(other.degraded);
        self.degraded_denied += other.degraded_denied;
        merge_failures(&mut self.failures, other.failures);
        self.longest_us = self.longest_us.max(other.longest_us);
    }

    /// Says of each leased call by when its permits had been charged: before any call of the same
    /// charge had its answer. Only while these are the calls of one worker, as it tells itself.
    pub fn date_charges(&mut self) {
        let mut charged_by_us = BTreeMap::new();
        for call in &self.admitted {
            let by_us = charged_by_us.entry(call.charged_at_us).or_insert(call.end_us);
            *by_us = call.end_us.min(*by_us);
        }
        for call in self.admitted.iter_mut().filter(|call| call.leased) {
            call.charged_by_us = charged_by_us[&call.charged_at_us];
        }
    }

    /// How many of the calls that the store admitted went on a lease.
    pub fn leased(&self) -> usize {
        self.admitted.iter().filter(|call| call.leased).count()
    }

    /// The permits of the calls that failed.
    pub fn failed_permits(&self) -> u64 {
        self.failures.values().map(|failures| failures.permits).sum()
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leased_call_was_charged_before_any_call_of_its_charge_was_answered() {
        let call = |charged_at_us, end_us, leased| Admitted { end_us, leased, charged_at_us, ..Admitted::default() };
        let admitted = vec![call(1, 8, true), call(1, 5, false), call(2, 9, true), call(3, 4, false)];
        let mut toll = Toll { admitted, ..Toll::default() };
        toll.date_charges();
        let by_us: Vec<u64> = toll.admitted.iter().map(|call| call.charged_by_us).collect();
        assert_eq!(by_us, [5, 0, 9, 0]);
    }
}
