//! What the runtime counts.

use std::sync::atomic::{AtomicU64, Ordering};

use wasmtime::Trap;

/// What a runtime has done since it was loaded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RuntimeStats {
    /// Instances of the component that are alive.
    pub instances: u64,
    /// Instances made in all.
    pub instantiated: u64,
    /// Runs that did not end well: a trap, a run over its time or its memory, or a broken contract.
    pub traps: u64,
    /// How many of them ran over their time.
    pub timeouts: u64,
    /// Calls that were tried again on a fresh instance.
    pub retries: u64,
    /// Calls that failed there too.
    pub failures: u64,
}

#[derive(Debug, Default)]
pub(super) struct Counters {
    instantiated: AtomicU64,
    dropped: AtomicU64,
    traps: AtomicU64,
    timeouts: AtomicU64,
    retries: AtomicU64,
    failures: AtomicU64,
}

impl Counters {
    pub(super) fn instantiated(&self) {
        self.instantiated.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn dropped(&self) {
        self.dropped.fetch_add(1, Ordering::Relaxed);
    }

    /// A run ended badly and is tried again.
    pub(super) fn trapped(&self, trap: &wasmtime::Error) {
        self.count(trap);
        self.retries.fetch_add(1, Ordering::Relaxed);
    }

    /// The second try ended badly too.
    pub(super) fn trapped_again(&self, trap: &wasmtime::Error) {
        self.count(trap);
        self.failures.fetch_add(1, Ordering::Relaxed);
    }

    fn count(&self, trap: &wasmtime::Error) {
        self.traps.fetch_add(1, Ordering::Relaxed);
        if is_timeout(trap) {
            self.timeouts.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn stats(&self) -> RuntimeStats {
        let dropped = self.dropped.load(Ordering::Relaxed);
        let instantiated = self.instantiated.load(Ordering::Relaxed);
        RuntimeStats {
            instances: instantiated.saturating_sub(dropped),
            instantiated,
            traps: self.traps.load(Ordering::Relaxed),
            timeouts: self.timeouts.load(Ordering::Relaxed),
            retries: self.retries.load(Ordering::Relaxed),
            failures: self.failures.load(Ordering::Relaxed),
        }
    }
}

/// Whether a run was stopped because it took too long.
pub(super) fn is_timeout(trap: &wasmtime::Error) -> bool {
    matches!(trap.downcast_ref::<Trap>(), Some(Trap::Interrupt))
}
