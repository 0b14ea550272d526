//! Decisions of this host by itself, while the store is away.

use std::sync::Arc;

use parking_lot::Mutex;

use super::shared::Shared;
use crate::away::Onward;
use crate::error::Error;
use crate::key::EntityKey;
use crate::runtime::Policy;
use crate::store::Memory;
use crate::strategy::{self, Strategy};

/// What a host decides on by itself.
#[derive(Debug)]
pub(super) struct Alone {
    shared: Arc<Shared>,
    /// What outlasts an outage, such as shares of limits: the next outage in the same window does
    /// not begin with new ones.
    lasting: Memory,
    /// What does not, such as circuits. Those of the store are the true ones when it is back, so
    /// the next outage begins with new ones.
    passing: Mutex<Passing>,
    time: Onward,
}

#[derive(Debug)]
struct Passing {
    memory: Memory,
    /// How often the store had come back when it was new.
    returns: u64,
}

impl Alone {
    pub(super) fn new(shared: &Arc<Shared>) -> Self {
        let capacity = shared.options.max_known;
        let passing = Passing { memory: Memory::replayable(capacity), returns: 0 };
        Self {
            shared: Arc::clone(shared),
            lasting: Memory::replayable(capacity),
            passing: Mutex::new(passing),
            time: Onward::default(),
        }
    }

    /// Makes a call on what only this host keeps: at about the time of the store, and never at an
    /// earlier one than before.
    pub(super) fn call<S: Strategy>(
        &self,
        key: &EntityKey,
        policy: &Policy<S>,
        request: &S::Request,
    ) -> Result<S::Answer, Error> {
        let Shared { clock, offset, watches, runtime, .. } = &*self.shared;
        let memory = if S::OUTLASTS_OUTAGE { self.lasting.clone() } else { self.passing(watches.returns()) };
        let local_us = clock.now_us();
        let store_us = offset.store_us(local_us).unwrap_or(local_us);
        let now_us = self.time.now_us(watches.steady().now_us(), store_us);
        Ok(memory.run(key.tag(), now_us, |transaction| strategy::run(request, runtime, policy, transaction))??)
    }

    /// What there is since the store last came back.
    fn passing(&self, returns: u64) -> Memory {
        let mut passing = self.passing.lock();
        if passing.returns != returns {
            *passing = Passing { memory: Memory::replayable(self.lasting.capacity()), returns };
        }
        passing.memory.clone()
    }
}
