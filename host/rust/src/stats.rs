//! What a gate has done so far, in numbers.

use std::sync::atomic::Ordering;

use crate::core::Backend;
use crate::gate::Tidegate;
use crate::runtime::RuntimeStats;

/// What a [`Tidegate`] has done so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stats {
    /// The component's instances and what happened to them.
    pub runtime: RuntimeStats,
    /// Commits sent to a shared store.
    pub commits: u64,
    /// Commits that were refused because the store knew better; each was tried again.
    pub refused: u64,
    /// Commits that were refused because of their time; each was tried again.
    pub untimely: u64,
    /// Commits that were applied with other numbers than known, whose runs were repeated on those.
    pub reruns: u64,
    /// Repeated runs that did something else: a defect in a policy.
    pub diverged: u64,
    /// Values in a shared store that were not ours and were taken as absent.
    pub foreign: u64,
    /// Calls given up as contended.
    pub contended: u64,
    /// The most commits that any batch of calls took until it was applied.
    pub most_attempts: u64,
    /// Outcomes that were recorded in the background.
    pub deferred: u64,
    /// Background work that failed and was dropped.
    pub lost: u64,
    /// Calls that were refused on what was known, without asking a shared store: see
    /// [`Builder::max_staleness`](crate::Builder::max_staleness).
    pub local: u64,
    /// Leases that were taken: see [`Lease`](crate::Lease). Of those that one batch has taken on a
    /// key, one counts.
    pub leases: u64,
    /// Calls that were let go on a lease, without asking a shared store.
    pub leased: u64,
    /// Permits that were left of leases, and given back when those ended or the gate was flushed.
    pub released: u64,
    /// Answers that were given without the store, as [`WhenAway`](crate::WhenAway) says.
    pub degraded: u64,
    /// Permits that were let go without the store and charged when it was back, or found to fit no
    /// more.
    pub posted: u64,
    /// Calls, and batches of calls, that the watch on the store turned away: see
    /// [`Builder::store_watch`](crate::Builder::store_watch).
    pub watch_refused: u64,
    /// Entities that a full memory store has forgotten: see [`WhenFull`](crate::WhenFull).
    pub forgotten: u64,
}

impl Tidegate {
    /// What it has done so far.
    pub fn stats(&self) -> Stats {
        let runtime = self.core.runtime().stats();
        let ledger = match self.core.backend() {
            Backend::Shared(ledger) => ledger,
            Backend::Memory(memory) => {
                return Stats { runtime, forgotten: memory.forgotten().entities, ..Stats::default() };
            }
        };
        let counters = ledger.counters();
        Stats {
            runtime,
            commits: counters.commits.load(Ordering::Relaxed),
            refused: counters.refused.load(Ordering::Relaxed),
            untimely: counters.untimely.load(Ordering::Relaxed),
            reruns: counters.reruns.load(Ordering::Relaxed),
            diverged: counters.diverged.load(Ordering::Relaxed),
            foreign: counters.foreign.load(Ordering::Relaxed),
            contended: counters.contended.load(Ordering::Relaxed),
            most_attempts: counters.most_attempts.load(Ordering::Relaxed),
            deferred: counters.deferred.load(Ordering::Relaxed),
            lost: counters.lost.load(Ordering::Relaxed),
            local: counters.local.load(Ordering::Relaxed),
            leases: counters.leases.load(Ordering::Relaxed),
            leased: counters.leased.load(Ordering::Relaxed),
            released: counters.released.load(Ordering::Relaxed),
            degraded: counters.degraded.load(Ordering::Relaxed),
            posted: counters.posted.load(Ordering::Relaxed),
            watch_refused: ledger.watch_refused(),
            forgotten: 0,
        }
    }
}
