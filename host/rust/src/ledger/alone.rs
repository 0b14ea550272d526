//! Decisions of this host by itself, while the store is away.

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::Ledger;
use crate::away::StoreState;
use crate::call::{Answer, Request};
use crate::error::Error;
use crate::key::EntityKey;
use crate::runtime::Policy;

impl Ledger {
    /// Makes a call on what only this host keeps, at about the time of the store.
    pub(crate) fn call_alone(&self, key: &EntityKey, policy: &Policy, request: &Request) -> Result<Answer, Error> {
        let local_us = self.clock.now_us();
        let now_us = self.offset.store_us(local_us).unwrap_or(local_us);
        Ok(self.alone.run(key.tag(), now_us, |transaction| request.run(&self.runtime, policy, transaction))??)
    }

    /// Counts an answer that was given without the store.
    pub(crate) fn note_degraded(&self) {
        self.counters.degraded.fetch_add(1, Ordering::Relaxed);
    }

    /// How long until the store is tried again; zero where it is asked now.
    pub(crate) fn retry_after(&self, key: &EntityKey) -> Duration {
        self.guards.retry_after(key)
    }

    /// The worst state of any part of the store.
    pub(crate) fn store_state(&self) -> StoreState {
        self.guards.state()
    }

    /// How many calls and batches the guard turned away.
    pub(crate) fn guard_refused(&self) -> u64 {
        self.guards.refused_count()
    }
}
