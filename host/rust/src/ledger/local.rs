//! Calls that are answered here, without a round trip.
//!
//! *On what this host holds*: a run that asks no shared cell has nothing to commit, so its answer
//! stands and what it changed of this host's own cells is kept. A lease is spent that way.
//!
//! *On what proves a refusal*: overload must not reach the store. A run that changes nothing and
//! refuses the call has read values and met numbers that stood in its way. Numbers only grow where
//! hosts admit calls, so what was in the way still is; a refund, a reset or an eviction can take it
//! away, and a value can be replaced. So a refusal is given on what the store has confirmed, and
//! for a bounded time only. Nothing is admitted on that, so no promise depends on it.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::known::Known;
use super::shared::Shared;
use crate::key::EntityKey;
use crate::runtime::Policy;
use crate::strategy::{self, Strategy};
use crate::transaction::Transaction;

thread_local! {
    /// Reused from call to call.
    static TRANSACTION: RefCell<Transaction> = RefCell::default();
}

/// Answers calls without the store.
#[derive(Debug)]
pub(super) struct Local {
    shared: Arc<Shared>,
}

impl Local {
    pub(super) fn new(shared: &Arc<Shared>) -> Self {
        Self { shared: Arc::clone(shared) }
    }

    /// The answer to a call that the store need not be asked for.
    pub(super) fn answer<S: Strategy>(
        &self,
        key: &EntityKey,
        policy: &Policy<S>,
        request: &S::Request,
    ) -> Option<S::Answer> {
        let local_us = self.shared.clock.now_us();
        let store_us = self.shared.offset.store_us(local_us)?;
        self.spend(key, policy, request, store_us, local_us).or_else(|| self.refuse(key, policy, request, store_us))
    }

    /// The answer of a run on what this host holds. Where somebody drives the lane, what it holds
    /// is in use: the call lines up, and spends it with the next batch.
    fn spend<S: Strategy>(
        &self,
        key: &EntityKey,
        policy: &Policy<S>,
        request: &S::Request,
        store_us: u64,
        local_us: u64,
    ) -> Option<S::Answer> {
        if !S::spends(request) {
            return None;
        }
        let answer = self.shared.lanes.visit(key, |known| {
            let now_us = known.now_us(store_us);
            // A clock that was set back would let a lease live for longer than the store allows.
            if local_us < known.heard_us || known.entity.local.expires_us() <= now_us {
                return None;
            }
            self.run_held(known, policy, request, now_us)
        })?;
        let is_leased = S::is_leased(request, &answer);
        self.shared.counters.leased.fetch_add(u64::from(is_leased), Ordering::Relaxed);
        Some(answer)
    }

    fn run_held<S: Strategy>(
        &self,
        known: &mut Known,
        policy: &Policy<S>,
        request: &S::Request,
        now_us: u64,
    ) -> Option<S::Answer> {
        TRANSACTION.with_borrow_mut(|transaction| {
            transaction.begin_direct(now_us, 1);
            std::mem::swap(transaction.entity_mut(0), &mut known.entity);
            let answer = strategy::run(request, &self.shared.runtime, policy, transaction)
                .ok()
                .filter(|_| !transaction.shares());
            if answer.is_some() {
                known.seen_us = now_us;
            } else {
                transaction.rollback_run();
            }
            std::mem::swap(transaction.entity_mut(0), &mut known.entity);
            answer
        })
    }

    /// The refusal of a call, where what is known of the entity proves it.
    fn refuse<S: Strategy>(
        &self,
        key: &EntityKey,
        policy: &Policy<S>,
        request: &S::Request,
        store_us: u64,
    ) -> Option<S::Answer> {
        if !S::gives(request) {
            return None;
        }
        let known = self.shared.lanes.refusing(key, store_us, self.shared.options.max_staleness)?;
        let answer = TRANSACTION.with_borrow_mut(|transaction| {
            transaction.begin_direct(store_us.max(known.seen_us), 1);
            *transaction.entity_mut(0) = known.entity;
            let answer = strategy::run(request, &self.shared.runtime, policy, transaction).ok()?;
            (S::refuses(&answer) && transaction.is_unchanged()).then_some(answer)
        })?;
        self.shared.counters.local.fetch_add(1, Ordering::Relaxed);
        Some(answer)
    }
}
