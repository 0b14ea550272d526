//! Outcomes that settle later: their callers go on at once, and they go out with the next batch, or
//! after a short delay.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::lanes::Flush;
use super::shared::{Drive, Shared};
use crate::call::{AnyCall, Call, Listed};
use crate::key::EntityKey;
use crate::runtime::Policy;
use crate::store::Commit;
use crate::strategy;
use crate::transaction::Transaction;

/// Settles outcomes in the background.
#[derive(Debug, Clone)]
pub(super) struct Settler {
    shared: Arc<Shared>,
}

impl Settler {
    pub(super) fn new(shared: &Arc<Shared>) -> Self {
        Self { shared: Arc::clone(shared) }
    }

    /// Takes an outcome in that the policy lets settle later. `None`: the policy does not, and the
    /// call is to be made like others.
    pub(super) fn record<S: Listed>(
        &self,
        key: &Arc<EntityKey>,
        policy: &Policy<S>,
        request: &S::Request,
    ) -> Option<S::Answer> {
        let (answer, changes) = self.guess(key, policy, request)?;
        self.shared.counters.deferred.fetch_add(1, Ordering::Relaxed);
        self.defer(Arc::clone(key), Call::unasked(policy, request.clone()), !changes);
        Some(answer)
    }

    /// Keeps a call back that nobody waits for. `repeats`: by what is known it changes nothing.
    pub(super) fn defer(&self, key: Arc<EntityKey>, call: AnyCall, repeats: bool) {
        match self.shared.lanes.defer(&key, call, repeats, || self.shared.about_us()) {
            Flush::Arranged => {}
            Flush::Soon => drop(tokio::spawn(flush_later(Arc::clone(&self.shared), key, self.shared.keep_driver()))),
            Flush::Now => drop(tokio::spawn(self.shared.drive(key))),
        }
    }

    /// Waits until all that was kept back is settled.
    pub(super) async fn flush(&self) {
        // What settles can add a call that takes something back.
        for _ in 0..2 {
            for key in self.shared.lanes.unsettled() {
                self.shared.settle_once(key).await;
            }
        }
    }

    /// The answer by what is known, if it may settle later, and whether the call changes anything.
    fn guess<S: Listed>(
        &self,
        key: &Arc<EntityKey>,
        policy: &Policy<S>,
        request: &S::Request,
    ) -> Option<(S::Answer, bool)> {
        let Shared { lanes, offset, clock, runtime, .. } = &*self.shared;
        let known = lanes.known(key);
        let now_us = offset.store_us(clock.now_us())?.max(known.seen_us);
        let mut transaction = Transaction::default();
        transaction.begin_logged(now_us, [Arc::clone(key)]);
        *transaction.entity_mut(0) = known.entity;
        match strategy::run(request, runtime, policy, &mut transaction) {
            Ok(answer) if S::settles_later(&answer) => {
                let changes = transaction.commit().is_some_and(Commit::changes);
                Some((answer, changes))
            }
            _ => None,
        }
    }
}

/// Drives a lane after the delay, unless somebody does by then.
async fn flush_later(shared: Arc<Shared>, key: Arc<EntityKey>, _driver: Option<Arc<dyn Drive>>) {
    shared.clock.sleep(shared.options.flush_delay).await;
    if shared.lanes.claim(&key) {
        shared.drive(key).await;
    }
}
