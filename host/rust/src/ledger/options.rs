//! How a ledger works.

use std::time::Duration;

/// The oldest that what is known may be to refuse a call on. It bounds for how long a refund or a
/// reset by another host goes unnoticed.
pub(crate) const MAX_STALENESS: Duration = Duration::from_millis(100);

/// How a ledger works.
#[derive(Debug, Clone)]
pub(crate) struct Options {
    /// How many entities to remember, each as it was last seen.
    pub(crate) max_known: usize,
    /// How many calls on an entity go out together at most.
    pub(crate) max_batch: usize,
    /// How many callers may wait for the store.
    pub(crate) max_waiting: usize,
    /// How often a batch is committed before it is given up as contended.
    pub(crate) max_attempts: u32,
    /// How long an outcome that may settle later is kept back at most.
    pub(crate) flush_delay: Duration,
    /// How old what is known may be to refuse a call on.
    pub(crate) max_staleness: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            max_known: 65_536,
            max_batch: 256,
            max_waiting: 1_000_000,
            max_attempts: 64,
            flush_delay: Duration::from_millis(20),
            max_staleness: MAX_STALENESS,
        }
    }
}
