//! What a ledger has done so far.

use std::sync::atomic::AtomicU64;

/// What a ledger has done so far.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) commits: AtomicU64,
    pub(crate) refused: AtomicU64,
    pub(crate) untimely: AtomicU64,
    pub(crate) reruns: AtomicU64,
    pub(crate) diverged: AtomicU64,
    pub(crate) foreign: AtomicU64,
    pub(crate) contended: AtomicU64,
    pub(crate) deferred: AtomicU64,
    pub(crate) lost: AtomicU64,
    pub(crate) local: AtomicU64,
    pub(crate) leases: AtomicU64,
    pub(crate) leased: AtomicU64,
    pub(crate) released: AtomicU64,
    pub(crate) degraded: AtomicU64,
    pub(crate) posted: AtomicU64,
    pub(crate) most_attempts: AtomicU64,
}
