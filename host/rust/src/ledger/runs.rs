//! The runs of a batch, one after the other on one transaction.
//!
//! Calls in a row that a strategy joins go through the component together: crossing into it costs
//! more than deciding. They are decided just as one by one. If such a run traps, nothing of it is
//! left, and each is run alone.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::shared::Shared;
use crate::call::AnyCall;
use crate::transaction::Transaction;

/// How many calls go through the component together at most, so that no run takes long.
const MAX_TOGETHER: usize = 64;

/// Runs batches.
#[derive(Debug)]
pub(super) struct Runs {
    shared: Arc<Shared>,
}

impl Runs {
    pub(super) fn new(shared: &Arc<Shared>) -> Self {
        Self { shared: Arc::clone(shared) }
    }

    /// Runs the calls of a batch.
    pub(super) fn run(&self, transaction: &mut Transaction, batch: &mut [AnyCall]) {
        self.run_all(transaction, &mut batch.iter_mut().collect::<Vec<_>>());
    }

    /// Repeats the runs of an applied commit on what the store knew. What a policy does may not
    /// depend on that; if it did all the same, the answers that the commit was made of are the ones
    /// to give.
    pub(super) fn rerun(&self, transaction: &mut Transaction, batch: &mut [AnyCall]) {
        // A run that trapped has no part in the log, so it is not repeated either.
        let mut again: Vec<&mut AnyCall> = batch.iter_mut().filter(|call| call.has_run()).collect();
        for call in &mut again {
            call.keep_answer();
        }
        self.run_all(transaction, &mut again);
        if !transaction.replayed_alike() {
            self.shared.counters.diverged.fetch_add(1, Ordering::Relaxed);
            tracing::error!(
                "a policy did something else on the store's numbers than on the known ones: a defect in the policy"
            );
            for call in &mut again {
                call.restore_answer();
            }
        }
    }

    fn run_all(&self, transaction: &mut Transaction, calls: &mut [&mut AnyCall]) {
        let rows = calls.chunk_by_mut(|one, next| one.joins(next));
        for calls in rows.flat_map(|row| row.chunks_mut(MAX_TOGETHER)) {
            if !self.run_together(transaction, calls) {
                for call in calls {
                    call.run(&self.shared.runtime, transaction);
                }
            }
        }
    }

    /// Runs calls that join in one call of the component. False: they are to be run one by one.
    fn run_together(&self, transaction: &mut Transaction, calls: &mut [&mut AnyCall]) -> bool {
        match calls {
            [first, others @ ..] if !others.is_empty() => first.run_with(others, &self.shared.runtime, transaction),
            _ => false,
        }
    }
}
