//! Refusals without a round trip: overload must not reach the store.
//!
//! A run that changes nothing and refuses the call has read values and met numbers that stood in its way. Numbers only grow
//! where hosts admit calls, so what was in the way still is; a refund, a reset or an eviction can take it away, and a value
//! can be replaced. So a refusal is given on what the store has confirmed, and for a bounded time only. Nothing is admitted
//! here, so no promise depends on it.

use std::cell::RefCell;
use std::sync::atomic::Ordering;

use super::Ledger;
use crate::call::{Answer, Request};
use crate::key::EntityKey;
use crate::runtime::Policy;
use crate::transaction::Transaction;

thread_local! {
    /// Reused from call to call.
    static TRANSACTION: RefCell<Transaction> = RefCell::default();
}

impl Ledger {
    /// The refusal of a call, where what is known of the entity proves it.
    pub(super) fn refuse(&self, key: &EntityKey, policy: &Policy, request: &Request) -> Option<Answer> {
        if !request.gives() {
            return None;
        }
        let store_us = self.offset.store_us(self.clock.now_us())?;
        let known = self.lanes.refusing(key, store_us, self.options.max_staleness)?;
        let answer = TRANSACTION.with_borrow_mut(|transaction| {
            transaction.begin_direct(store_us.max(known.seen_us), 1);
            *transaction.entity_mut(0) = known.entity;
            let answer = request.run(&self.runtime, policy, transaction).ok()?;
            (answer.refuses() && transaction.is_unchanged()).then_some(answer)
        })?;
        self.counters.local.fetch_add(1, Ordering::Relaxed);
        Some(answer)
    }
}
