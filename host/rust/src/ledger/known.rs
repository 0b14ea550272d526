//! What is known of an entity.

use super::contention::Contention;
use crate::call::AnyCall;
use crate::transaction::{Cells, Entity, Transaction};

/// The most that two nodes of a cluster are taken to be apart, in microseconds. More is a clock
/// that jumped.
const MAX_BEHIND_US: u64 = 100_000;
/// One part in this many of what is known of a node's clock is forgotten with each commit.
const BEHIND_KEEP: u64 = 1_024;
/// How much further behind than seen an entity's clock is taken to be, in microseconds, so that the
/// forgetting takes a while to come too far.
const BEHIND_SLACK_US: u64 = 1_000;

/// What is known of an entity.
#[derive(Debug, Clone, Default)]
pub(super) struct Known {
    pub(super) entity: Entity,
    /// The latest time of a run that counts; no later one may be earlier.
    pub(super) seen_us: u64,
    /// The latest time of a commit, by the store's clock.
    pub(super) confirmed_us: u64,
    /// When the store confirmed it, by this host's own clock.
    pub(super) heard_us: u64,
    /// How far the clock that decides on this entity is behind the one this host has learnt: nodes
    /// of a cluster have clocks of their own.
    pub(super) behind_us: u64,
    /// Whether the latest call was refused, so that the next may well be too.
    pub(super) refuses: bool,
    /// How other hosts get in its way.
    pub(super) contention: Contention,
}

impl Known {
    /// Nobody knows whether a log was applied, so what the runs kept along with it is not known
    /// either.
    pub(super) fn doubt(&mut self, ran: &Entity) {
        if ran.local != self.entity.local {
            self.entity.local = Cells::default();
        }
    }

    /// Nothing is known of the shared cells.
    pub(super) fn forget_shared(&mut self) {
        self.entity.shared = Cells::default();
        self.refuses = false;
    }

    /// The time of the next run, where the store's clock says this.
    pub(super) fn now_us(&self, store_us: u64) -> u64 {
        store_us.saturating_sub(self.behind_us).max(self.seen_us)
    }

    /// A clock that was set back would let a lease live for longer than the store allows, so what
    /// this host holds is forgotten.
    pub(super) fn heed_clock(&mut self, local_us: u64) {
        if local_us < self.heard_us {
            self.entity.local = Cells::default();
            self.heard_us = local_us;
        }
    }

    /// What runs were told and did holds.
    pub(super) fn confirm(&mut self, transaction: &mut Transaction, local_us: u64, batch: &[AnyCall]) {
        self.timed(transaction.now_us(), local_us);
        self.entity = std::mem::take(transaction.entity_mut(0));
        self.entity.shared.prune(self.seen_us);
        self.entity.local.prune(self.seen_us);
        self.refuses = batch.last().is_some_and(|call| call.refuses());
    }

    /// A commit was in time. What was learnt of the entity's clock is unlearnt slowly, since clocks
    /// come together again.
    fn timed(&mut self, at_us: u64, local_us: u64) {
        (self.seen_us, self.confirmed_us, self.heard_us) = (at_us, at_us, local_us);
        self.behind_us -= self.behind_us.div_ceil(BEHIND_KEEP);
    }

    /// A commit was ahead of the entity's clock, or far behind it.
    pub(super) fn mistimed(&mut self, at_us: u64, clock_us: u64) {
        let ahead_us = at_us.saturating_sub(clock_us);
        self.seen_us = self.seen_us.min(clock_us);
        self.confirmed_us = self.confirmed_us.min(clock_us);
        self.behind_us = if (1..=MAX_BEHIND_US).contains(&ahead_us) {
            (self.behind_us + ahead_us + BEHIND_SLACK_US).min(MAX_BEHIND_US)
        } else {
            0
        };
    }
}
