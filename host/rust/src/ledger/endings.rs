//! What becomes of calls that have their answers.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::repayments::Repayments;
use super::shared::Shared;
use crate::call::{AnyCall, End};
use crate::key::EntityKey;
use crate::store::StoreError;

/// Ends calls.
#[derive(Debug, Clone)]
pub(super) struct Endings {
    shared: Arc<Shared>,
    repayments: Arc<Repayments>,
}

impl Endings {
    pub(super) fn new(shared: &Arc<Shared>, repayments: &Arc<Repayments>) -> Self {
        Self { shared: Arc::clone(shared), repayments: Arc::clone(repayments) }
    }

    /// Gives a call's answer to whoever waits for it. What it gave to a caller who has gone is
    /// taken back. True: the lane must be driven for that.
    pub(super) fn end(&self, key: &Arc<EntityKey>, mut call: AnyCall) -> bool {
        match call.end() {
            End::Heard => false,
            End::Unheard(undo) => self.shared.push(key, *undo),
            End::Done { released, posted } => {
                let counters = &self.shared.counters;
                counters.released.fetch_add(u64::from(released), Ordering::Relaxed);
                counters.posted.fetch_add(u64::from(posted), Ordering::Relaxed);
                call.tell_end(Ok(()));
                false
            }
            End::Failed(error) => {
                self.repayments.failed(key, call, &error);
                false
            }
        }
    }

    /// A batch was turned away before it was sent.
    pub(super) fn turn_away(&self, key: &Arc<EntityKey>, batch: Vec<AnyCall>, error: &StoreError) {
        for mut call in batch {
            if call.is_awaited() {
                call.fail(error.clone().into());
                // A caller who has gone away was given nothing, so there is nothing to take back.
                self.end(key, call);
            } else {
                self.repayments.keep(key, call);
            }
        }
    }
}
