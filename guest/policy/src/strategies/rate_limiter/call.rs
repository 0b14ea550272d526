//! One call of a limiter in progress, and what it is answered.

use alloc::vec::Vec;

use crate::kv::Kv;

use super::decision::{Outcome, effective_us, full_before_us, place_us, report};
use super::meter::MeterModel;
use super::types::{Decision, Reason};
use crate::parts::cells::Cells;

/// The state of all limits, in their order.
pub(super) type Models = Vec<MeterModel>;

/// One call in progress.
pub(super) struct Call<'w, K> {
    pub(super) cells: Cells<'w, K>,
    pub(super) now_us: u64,
    pub(super) permits: u32,
    /// The most that can ever fit at once, whatever a waiter of another configuration may claim.
    pub(super) most: u32,
}

impl<K: Kv> Call<'_, K> {
    pub(super) fn report(&self, models: &[MeterModel], waiting: usize, outcome: Outcome) -> Decision {
        report(&self.cells, models, self.now_us, waiting, outcome)
    }

    /// Allowed, and charged at that time.
    pub(super) fn allowed(&self, models: &[MeterModel], waiting: usize, charged_at_us: u64) -> Decision {
        let full_at_us = full_before_us(models, self.permits);
        self.report(models, waiting, Outcome::Allowed { charged_at_us, full_at_us })
    }

    /// Denied: to be accepted at the first place, or as much earlier as one may wait.
    pub(super) fn denied(&self, models: &[MeterModel], reason: Reason, max_wait_us: u64) -> Decision {
        let at_us = effective_us(models, self.now_us);
        let retry_us = place_us(models, self.permits, at_us).saturating_sub(max_wait_us);
        self.report(models, 0, Outcome::Denied { reason, retry_us })
    }
}
