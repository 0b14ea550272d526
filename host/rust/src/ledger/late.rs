//! A batch whose time is over.
//!
//! Its callers are told that the store did not answer, and their lane goes on without them. The
//! store may still do what it was asked: then that is taken back when its answer comes.

use std::sync::Arc;

use super::Ledger;
use super::batch::{Answers, Trip};
use super::lanes::{Call, Known};
use crate::call::Answer;
use crate::error::Error;
use crate::key::EntityKey;
use crate::store::{Outcome, Reply, StoreError};
use crate::transaction::{Cells, Transaction};

impl Ledger {
    /// Answers the callers of a batch whose time is over, and has the next one set out. `known`:
    /// what is known all the same.
    pub(super) fn overdue(self: &Arc<Self>, trip: &mut Trip<'_>, mut known: Known) {
        let error = self.watches.timed_out();
        if let Some(passage) = trip.passage.take() {
            passage.failed(&error);
        }
        let error = Error::from(error);
        for caller in trip.batch.iter().filter_map(|call| call.reply.as_ref()) {
            caller.give_up(error.clone());
        }
        known.entity.shared = Cells::default();
        known.refuses = false;
        self.lanes.keep(trip.key, known);
        if !self.lanes.rest(trip.key) {
            tokio::spawn(Arc::clone(self).drive(Arc::clone(trip.key)));
        }
    }

    /// Takes in what the store has answered after all.
    pub(super) fn take_in_late(
        self: &Arc<Self>,
        transaction: &mut Transaction,
        trip: Trip<'_>,
        reply: Result<Reply, StoreError>,
        answers: Answers,
    ) {
        let Trip { key, batch, mut known, .. } = trip;
        let answers = match reply {
            Ok(reply) if matches!(reply.outcome, Outcome::Applied(_)) => {
                self.take_in(transaction, &batch, &mut known, reply, answers).unwrap_or_default()
            }
            Ok(_) => return self.turn_away(key, batch, &self.watches.timed_out()),
            Err(error) => batch.iter().map(|_| Err(error.clone().into())).collect(),
        };
        let replies = batch.into_iter().zip(answers);
        let posts = replies.fold(false, |posts, (call, answer)| posts | self.reply(key, call, answer));
        if posts {
            tokio::spawn(Arc::clone(self).drive(Arc::clone(key)));
        }
    }

    /// Answers a caller. One who has gone away gets what it was given taken back. True: the caller
    /// of this must drive the lane, unless it does.
    pub(super) fn reply(self: &Arc<Self>, key: &Arc<EntityKey>, call: Call, answer: Result<Answer, Error>) -> bool {
        let Some(reply) = call.reply else {
            self.unheard(key, call.work, answer);
            return false;
        };
        match (reply.send(answer), &call.work) {
            (Err(Ok(unheard)), Some(work)) => self.take_back(key, work, &unheard),
            _ => false,
        }
    }
}
