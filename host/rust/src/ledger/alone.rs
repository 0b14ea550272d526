//! Decisions of this host by itself, while the store is away.

use std::sync::atomic::Ordering;
use std::time::Duration;

use parking_lot::Mutex;

use super::Ledger;
use crate::away::{Onward, StoreState};
use crate::call::{Answer, Request};
use crate::error::Error;
use crate::key::EntityKey;
use crate::runtime::Policy;
use crate::store::Memory;

/// What a host decides on by itself.
#[derive(Debug)]
pub(super) struct Alone {
    /// Shares of limits. They outlive an outage, so that the next one in the same window does not
    /// begin with new ones.
    shares: Memory,
    /// Circuits. Those of the store are the true ones when it is back, so the next outage begins
    /// with closed ones.
    circuits: Mutex<Circuits>,
    time: Onward,
}

#[derive(Debug)]
struct Circuits {
    memory: Memory,
    /// How often the store had come back when they were new.
    returns: u64,
}

impl Alone {
    /// On so many entities of each kind at most.
    pub(super) fn new(capacity: usize) -> Self {
        let circuits = Circuits { memory: Memory::replayable(capacity), returns: 0 };
        Self { shares: Memory::replayable(capacity), circuits: Mutex::new(circuits), time: Onward::default() }
    }

    /// The circuits since the store last came back.
    fn circuits(&self, returns: u64) -> Memory {
        let mut circuits = self.circuits.lock();
        if circuits.returns != returns {
            *circuits = Circuits { memory: Memory::replayable(self.shares.capacity()), returns };
        }
        circuits.memory.clone()
    }
}

impl Ledger {
    /// Makes a call on a limiter that only this host keeps.
    pub(crate) fn limit_alone(&self, key: &EntityKey, policy: &Policy, request: &Request) -> Result<Answer, Error> {
        self.call_alone(&self.alone.shares, key, policy, request)
    }

    /// Makes a call on a circuit that only this host keeps.
    pub(crate) fn guard_alone(&self, key: &EntityKey, policy: &Policy, request: &Request) -> Result<Answer, Error> {
        self.call_alone(&self.alone.circuits(self.watches.returns()), key, policy, request)
    }

    /// At about the time of the store, and never at an earlier one than before.
    fn call_alone(
        &self,
        memory: &Memory,
        key: &EntityKey,
        policy: &Policy,
        request: &Request,
    ) -> Result<Answer, Error> {
        let local_us = self.clock.now_us();
        let store_us = self.offset.store_us(local_us).unwrap_or(local_us);
        let now_us = self.alone.time.now_us(self.watches.steady().now_us(), store_us);
        Ok(memory.run(key.tag(), now_us, |transaction| request.run(&self.runtime, policy, transaction))??)
    }

    /// Counts an answer that was given without the store.
    pub(crate) fn note_degraded(&self) {
        self.counters.degraded.fetch_add(1, Ordering::Relaxed);
    }

    /// How long until the store is tried again; zero where it is asked now.
    pub(crate) fn retry_after(&self, key: &EntityKey) -> Duration {
        self.watches.retry_after(key)
    }

    /// The worst state of any part of the store.
    pub(crate) fn store_state(&self) -> StoreState {
        self.watches.state()
    }

    /// Waits until the store does what a commit does.
    ///
    /// # Errors
    /// [`Error::Store`] when that takes longer.
    pub(crate) async fn ready(&self, timeout: Duration) -> Result<(), Error> {
        Ok(self.watches.ready(timeout).await?)
    }

    /// How many calls and batches the watch turned away.
    pub(crate) fn watch_refused(&self) -> u64 {
        self.watches.refused_count()
    }
}
