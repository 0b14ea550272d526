//! When the store counts as away.

use super::changes::Listeners;
use crate::strategies::circuit_breaker::{Backoff, CircuitBreakerConfig, HalfOpen};

/// When the watch on a shared store turns calls away, so that no call waits for a store that does
/// not answer.
///
/// It counts rounds, not calls: failures of commits that were sent before the first of them was
/// known count once. So a pause of the store is at most one failure for each timeout that it
/// lasts, however many calls were on their way. Attempts to connect that were refused in a row,
/// three at least, are a round each.
///
/// It is a circuit breaker of the same component on memory of its own; in a cluster there is one
/// for each shard of slots, since a node that is dead must not take the others down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoreWatch {
    /// After this many rounds that failed with no success between them; 1 to 1,000,000; 3 by
    /// default.
    pub failures: u32,
    /// For how long at first, in milliseconds, until the store is tried again; 1 to 30 days; by
    /// default 500.
    pub open_ms: u64,
    /// Each time that fails the time is doubled, up to this many milliseconds; at least `open_ms`,
    /// at most 30 days; by default 5,000.
    pub cap_ms: u64,
}

impl Default for StoreWatch {
    fn default() -> Self {
        Self { failures: 3, open_ms: 500, cap_ms: 5_000 }
    }
}

impl StoreWatch {
    /// The circuit's settings. A probe that has no outcome after `permit_ms` is given up.
    pub(super) fn circuit(self, permit_ms: u64) -> CircuitBreakerConfig {
        let mut config = CircuitBreakerConfig::consecutive("store watch", self.failures);
        config.open_ms = self.open_ms;
        config.backoff = Some(Backoff { factor: 2.0, cap_ms: self.cap_ms });
        config.half_open = HalfOpen { probes: 1, successes: 1, permit_ms, ..HalfOpen::default() };
        config
    }
}

/// Settings of all that is done while the store is away.
#[derive(Debug, Clone)]
pub(crate) struct Options {
    /// `None`: no watch.
    pub(crate) watch: Option<StoreWatch>,
    pub(crate) listeners: Listeners,
}

impl Default for Options {
    fn default() -> Self {
        Self { watch: Some(StoreWatch::default()), listeners: Listeners::default() }
    }
}
