//! The line of those who wait: which place is left for a call behind them, and when its turn will
//! be.
//!
//! A *place* is the earliest time that the limits allow if all of those ahead go as early as they
//! fit. It decides who may go. A *turn* is later: those ahead sleep until the time they were told.
//! It tells when to come back, so that nobody comes back in vain.

use super::decision::{effective_us, ms_until, place_us};
use super::meter::MeterModel;
use super::model::{Model, saturate};
use crate::parts::queue::{Queue, Waiter, Waiters};

/// The limits at a time, and the queue before them.
pub(crate) struct Line<'a> {
    pub(crate) models: &'a [MeterModel],
    pub(crate) queue: &'a Queue,
    pub(crate) now_us: u64,
    /// The most that can ever fit at once, whatever a waiter of another configuration may claim.
    pub(crate) most: u32,
}

impl Line<'_> {
    /// The time that now counts as.
    pub(crate) fn at_us(&self) -> u64 {
        effective_us(self.models, self.now_us)
    }

    /// When it is one's turn behind all of `ahead`: now, if there is room for them all and for
    /// oneself.
    pub(crate) fn turn_us<'w>(&self, ahead: impl Iterator<Item = &'w Waiter> + Clone, permits: u32) -> u64 {
        let at_us = self.at_us();
        if self.place_us(ahead.clone(), permits) <= at_us {
            at_us
        } else {
            self.later_us(ahead, permits).max(at_us + 1)
        }
    }

    /// The place that is left when all of `ahead` have gone, one after the other.
    fn place_us<'w>(&self, ahead: impl Iterator<Item = &'w Waiter>, permits: u32) -> u64 {
        let mut after = self.models.to_vec();
        let from_us = ahead.fold(self.at_us(), |from_us, waiter| self.take_place(&mut after, waiter, from_us));
        place_us(&after, permits, from_us)
    }

    /// The time at which all of `ahead` have come as they are expected, or earlier that at which
    /// some have and there is room for all others at once. Those whose time will be over before
    /// their turn take no place, but nobody behind them goes until then.
    fn later_us<'w>(&self, ahead: impl Iterator<Item = &'w Waiter> + Clone, permits: u32) -> u64 {
        let cost = |waiter: &Waiter| waiter.cost.min(self.most);
        let mut rest = ahead.clone().map(cost).map(u64::from).sum::<u64>() + u64::from(permits);
        let mut after = self.models.to_vec();
        let (mut from_us, mut found_us) = (self.at_us(), u64::MAX);
        for waiter in ahead {
            if rest <= u64::from(self.most) {
                found_us = found_us.min(place_us(&after, saturate(rest), from_us));
            }
            let turn_us = place_us(&after, cost(waiter), from_us.max(self.expected_us(waiter)));
            if turn_us <= self.last_comes_us(waiter) {
                charge(&mut after, cost(waiter), turn_us);
                from_us = turn_us;
            } else {
                from_us = from_us.max(self.queue.deadline_us(waiter.ticket));
            }
            rest -= u64::from(cost(waiter));
        }
        found_us.min(place_us(&after, permits, from_us))
    }

    /// When the first of those who wait will have left: it is let go at its turn, or its time is
    /// over.
    pub(crate) fn first_leaves_us(&self, waiters: &Waiters) -> u64 {
        let mut found_us = waiters.first_deadline_us(self.queue).unwrap_or(0);
        let mut after = self.models.to_vec();
        let mut from_us = self.at_us();
        for waiter in waiters.ahead_of(None, self.queue, self.now_us) {
            from_us = self.take_place(&mut after, waiter, from_us);
            if from_us >= found_us {
                break;
            }
            let comes_us = self.expected_us(waiter);
            found_us = found_us.min(comes_us.saturating_add(ms_until(from_us, comes_us) * 1_000));
        }
        found_us.max(self.now_us + 1)
    }

    /// When the first of those ahead who are late will be passed over.
    pub(crate) fn first_passed_us<'w>(&self, ahead: impl Iterator<Item = &'w Waiter>) -> Option<u64> {
        ahead.filter(|waiter| waiter.due_us < self.now_us).map(|waiter| self.passed_us(waiter)).min()
    }

    /// When a waiter is expected: when it was told to come. One who is late is expected after as
    /// long again as it is late already. So those behind it come back a few times, and not every
    /// millisecond.
    fn expected_us(&self, waiter: &Waiter) -> u64 {
        if waiter.due_us >= self.now_us {
            return waiter.due_us;
        }
        let late_us = self.now_us - waiter.due_us;
        self.now_us.saturating_add(late_us).min(self.passed_us(waiter))
    }

    fn passed_us(&self, waiter: &Waiter) -> u64 {
        waiter.due_us.saturating_add(self.queue.grace_us).saturating_add(1)
    }

    /// When a waiter comes for the last time: at its deadline, in whole milliseconds from the time
    /// it was told.
    fn last_comes_us(&self, waiter: &Waiter) -> u64 {
        let deadline_us = self.queue.deadline_us(waiter.ticket);
        waiter.due_us.saturating_add(ms_until(deadline_us, waiter.due_us).saturating_mul(1_000))
    }

    /// The first place from `from_us` on at which one who waits can be let go, taken in `after`.
    fn take_place(&self, after: &mut [MeterModel], waiter: &Waiter, from_us: u64) -> u64 {
        let permits = waiter.cost.min(self.most);
        let place_us = place_us(after, permits, from_us);
        charge(after, permits, place_us);
        place_us
    }
}

/// Takes a place. Nobody asks for an earlier one any more, so each waiter costs the same in a long
/// line as in a short one.
fn charge(models: &mut [MeterModel], permits: u32, at_us: u64) {
    for model in models {
        model.charge(permits, at_us);
        model.pass_to(at_us);
    }
}
