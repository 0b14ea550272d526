//! A batch whose time is over.
//!
//! Its callers are told that the store did not answer, and their lane goes on without them. The
//! store may still do what it was asked: then that is taken back when its answer comes.

use std::sync::Arc;

use super::endings::Endings;
use super::known::Known;
use super::replies::Replies;
use super::shared::Shared;
use super::trip::Trip;
use crate::error::Error;
use crate::store::{Outcome, Reply, StoreError};
use crate::transaction::Transaction;

/// Ends batches whose time is over.
#[derive(Debug)]
pub(super) struct Deadlines {
    shared: Arc<Shared>,
    replies: Arc<Replies>,
    endings: Endings,
}

impl Deadlines {
    pub(super) fn new(shared: &Arc<Shared>, replies: &Arc<Replies>, endings: &Endings) -> Self {
        Self { shared: Arc::clone(shared), replies: Arc::clone(replies), endings: endings.clone() }
    }

    /// Answers the callers of a batch whose time is over, and has the next one set out. `known`:
    /// what is known all the same.
    pub(super) fn overdue(&self, trip: &mut Trip<'_>, mut known: Known) {
        let error = self.shared.watches.timed_out();
        if let Some(passage) = trip.passage.take() {
            passage.failed(&error);
        }
        let error = Error::from(error);
        for call in &mut trip.batch {
            call.give_up(&error);
        }
        known.forget_shared();
        self.shared.lanes.keep(trip.key, known);
        if !self.shared.lanes.rest(trip.key) {
            tokio::spawn(self.shared.drive(Arc::clone(trip.key)));
        }
    }

    /// Takes in what the store has answered after all.
    pub(super) fn take_in_late(&self, transaction: &mut Transaction, trip: Trip<'_>, reply: Result<Reply, StoreError>) {
        let Trip { key, mut batch, mut known, .. } = trip;
        match reply {
            Ok(reply) if matches!(reply.outcome, Outcome::Applied(_)) => {
                self.replies.take_in(transaction, &mut batch, &mut known, reply);
            }
            Ok(_) => return self.endings.turn_away(key, batch, &self.shared.watches.timed_out()),
            Err(error) => {
                for call in &mut batch {
                    call.fail(error.clone().into());
                }
            }
        }
        let leads = batch.into_iter().fold(false, |leads, call| leads | self.endings.end(key, call));
        if leads {
            tokio::spawn(self.shared.drive(Arc::clone(key)));
        }
    }
}
