//! Loads on limiters, and what became of them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tidegate::RateLimiterConfig;

use super::protocol::Admitted;
use crate::failures::{Failures, merge_failures};

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
