//! What the store's reply to a commit means for the batch that was committed.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::known::Known;
use super::runs::Runs;
use super::shared::Shared;
use crate::call::AnyCall;
use crate::store::{Outcome, Reply};
use crate::transaction::Transaction;

/// Takes replies in.
#[derive(Debug)]
pub(super) struct Replies {
    shared: Arc<Shared>,
    runs: Runs,
}

impl Replies {
    pub(super) fn new(shared: &Arc<Shared>) -> Self {
        Self { shared: Arc::clone(shared), runs: Runs::new(shared) }
    }

    /// Runs a batch, before it is committed.
    pub(super) fn run(&self, transaction: &mut Transaction, batch: &mut [AnyCall]) {
        self.runs.run(transaction, batch);
    }

    /// Takes the store's reply in. False: the calls have no answers yet, and it is to be tried
    /// again.
    pub(super) fn take_in(
        &self,
        transaction: &mut Transaction,
        batch: &mut [AnyCall],
        known: &mut Known,
        reply: Reply,
    ) -> bool {
        let Shared { clock, offset, counters, .. } = &*self.shared;
        let local_us = clock.now_us();
        counters.foreign.fetch_add(reply.foreign, Ordering::Relaxed);
        match reply.outcome {
            Outcome::Untimely => {
                counters.untimely.fetch_add(1, Ordering::Relaxed);
                offset.correct(reply.clock_us, local_us);
                known.mistimed(transaction.now_us(), reply.clock_us);
                false
            }
            Outcome::Refused(truth) => {
                counters.refused.fetch_add(1, Ordering::Relaxed);
                offset.learn(reply.clock_us, local_us);
                let cells = transaction.refuse(&truth, reply.clock_us, u64::MAX);
                known.entity = std::mem::take(transaction.entity_mut(0));
                self.run_on_truth(transaction, batch, known, &cells, reply.clock_us)
            }
            Outcome::Applied(seen) => {
                offset.learn(reply.clock_us, local_us);
                if !transaction.was_told(&seen) {
                    counters.reruns.fetch_add(1, Ordering::Relaxed);
                    transaction.begin_replay(seen);
                    self.runs.rerun(transaction, batch);
                }
                known.confirm(transaction, local_us, batch);
                true
            }
        }
    }

    /// Runs a batch once more, at the very time at which the store refused its commit, on all that
    /// the store told of the cells then. Where the runs read no other cell and change nothing, the
    /// store would say the same of them, so they need not be committed. So whoever is to be denied
    /// waits for no other host, however often the others change the entity.
    fn run_on_truth(
        &self,
        transaction: &mut Transaction,
        batch: &mut [AnyCall],
        known: &mut Known,
        cells: &[(usize, u32)],
        clock_us: u64,
    ) -> bool {
        if clock_us < known.seen_us {
            return false;
        }
        let Some(keys) = transaction.commit().map(|commit| commit.entities.clone()) else { return false };
        transaction.begin_logged(clock_us, keys);
        *transaction.entity_mut(0) = known.entity.clone();
        self.runs.run(transaction, batch);
        let is_settled = transaction.commit().is_some_and(|commit| commit.reads_only(cells));
        if is_settled {
            known.confirm(transaction, self.shared.clock.now_us(), batch);
        }
        is_settled
    }
}
