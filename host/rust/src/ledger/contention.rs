//! How long hosts that conflict on an entity wait, so that each gets its turn.
//!
//! Hosts that count do not conflict. Hosts that replace a value do, as callers of a crowded queue: of those that commit at the
//! same time one wins. So each waits a random part of its *spread* before every commit on the entity. A conflict doubles the
//! spread, a commit that is applied halves it. A winner does not start from nothing, since it would be first again and again
//! while the others wait longer and longer (the capture effect of networks: Bharghavan et al., MACAW, 1994); hosts
//! that meet on an entity come to spreads that are alike, in which about every second attempt gets through.
//!
//! Only a replaced value is a conflict. Whoever met another number than it knew, such as that of an empty bucket of which it thought
//! that a permit had come back, knows better now and tries again at once: after a wait its number would be old again,
//! so it would be refused again, while the others take what comes back.

use std::time::Duration;

use crate::store::{Commit, Op, Value};

/// The least that an attempt is taken to last, in microseconds: the spread after the first conflict that matters.
const LEAST_US: u64 = 100;
/// The widest spread, in microseconds.
const WIDEST_US: u64 = 50_000;
/// How many conflicts in a row are nothing unusual: a value that changes once in a while has changed.
const USUAL: u32 = 1;

/// Whether a commit was refused because another host has replaced a value that its runs had read, by the true values of its cells.
pub(super) fn is_conflict(commit: &Commit, truth: &[Option<Value>]) -> bool {
    let mut is_changed = vec![false; commit.cells.len()];
    commit.ops.iter().any(|op| match op {
        // What is read after the log has changed it says nothing of what was there.
        Op::Get { cell, expected } => !is_changed[*cell] && truth.get(*cell) != Some(expected),
        Op::Observe { .. } => false,
        Op::Put { cell, .. } | Op::Advance { cell, .. } | Op::Retreat { cell, .. } => {
            is_changed[*cell] = true;
            false
        }
    })
}

/// What this host has seen of the conflicts on an entity.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Contention {
    spread_us: u64,
    in_a_row: u32,
}

impl Contention {
    /// A commit was refused after so long.
    pub(super) fn lost(&mut self, trip_us: u64) {
        self.in_a_row = self.in_a_row.saturating_add(1);
        if self.in_a_row > USUAL || self.spread_us > 0 {
            let least_us = trip_us.clamp(LEAST_US, WIDEST_US);
            self.spread_us = (self.spread_us * 2).clamp(least_us, WIDEST_US);
        }
    }

    /// A commit was applied.
    pub(super) fn won(&mut self) {
        self.in_a_row = 0;
        self.spread_us = if self.spread_us < 2 * LEAST_US { 0 } else { self.spread_us / 2 };
    }

    /// Whether there is any.
    pub(super) fn is_felt(&self) -> bool {
        self.spread_us > 0
    }

    /// How long to wait before a commit, by a number that is hardly alike in any two hosts.
    pub(super) fn wait(&self, chance: u64) -> Option<Duration> {
        self.is_felt().then(|| Duration::from_micros(chance % self.spread_us))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> Value {
        text.into()
    }

    fn commit(ops: Vec<Op>) -> Commit {
        Commit { cells: vec![(0, 0), (0, 1)], ops, ..Commit::default() }
    }

    fn moved(cell: usize) -> Op {
        Op::Advance { cell, step: 1, floor: 0, ceiling: 9, ttl_ms: 1, fits: true, repeat: 1 }
    }

    #[test]
    fn only_a_value_that_another_host_has_replaced_is_a_conflict() {
        let commit = commit(vec![Op::Get { cell: 0, expected: Some(value("a")) }, moved(1)]);
        assert!(is_conflict(&commit, &[Some(value("b")), None]));
        assert!(is_conflict(&commit, &[None, None]));
        assert!(!is_conflict(&commit, &[Some(value("a")), Some(value("9"))]), "it only counted");
    }

    #[test]
    fn what_is_read_after_the_log_has_changed_it_is_no_conflict() {
        let put = Op::Put { cell: 0, value: Some(value("b")), ttl_ms: 1 };
        let read = Op::Get { cell: 0, expected: Some(value("b")) };
        assert!(!is_conflict(&commit(vec![put, read]), &[Some(value("a")), None]));
        let read = Op::Get { cell: 1, expected: Some(value("2")) };
        assert!(!is_conflict(&commit(vec![moved(1), read]), &[None, Some(value("9"))]));
    }

    #[test]
    fn a_value_that_has_changed_once_is_no_contention() {
        let mut contention = Contention::default();
        contention.lost(400);
        assert_eq!(contention.wait(12_345), None);
    }

    #[test]
    fn each_further_conflict_doubles_the_spread_up_to_a_bound() {
        let mut contention = Contention::default();
        let spread = |contention: &Contention| contention.wait(u64::MAX).map_or(0, |_| contention.spread_us);
        contention.lost(400);
        for expected in [400, 800, 1_600] {
            contention.lost(400);
            assert_eq!(spread(&contention), expected);
        }
        for _ in 0..20 {
            contention.lost(400);
        }
        assert_eq!(spread(&contention), WIDEST_US);
    }

    #[test]
    fn a_winner_goes_on_waiting_and_forgets_slowly() {
        let mut contention = Contention { spread_us: 1_600, in_a_row: 5 };
        contention.won();
        assert_eq!(contention.spread_us, 800);
        for _ in 0..4 {
            contention.won();
        }
        assert_eq!(contention.wait(1), None);
    }
}
