//! How long hosts that conflict on an entity wait, so that each gets its turn.
//!
//! Hosts that count do not conflict. Hosts that replace a value do, as callers of a crowded queue:
//! of those that commit at the same time one wins. So each waits a random part of its *spread*
//! before every commit on the entity. A conflict doubles the spread, a commit that is applied
//! halves it. A winner does not start from nothing, since it would be first again and again while
//! the others wait longer and longer (the capture effect of networks: Bharghavan et al., MACAW,
//! 1994); hosts that meet on an entity come to spreads that are alike, in which about every second
//! attempt gets through.
//!
//! Where a trip to the store is long, one host could be first for ever all the same: it is told
//! that it won, and wins again before any of the others, who were told at the same time that they
//! lost, has waited for its part. So there, whoever has met a conflict of late leaves the others a
//! part of a trip before each commit, whether it won or lost.
//!
//! Only a replaced value is a conflict. Whoever met another number than it knew, such as that of an
//! empty bucket of which it thought that a permit had come back, knows better now and tries again
//! at once: after a wait its number would be old again, so it would be refused again, while the
//! others take what comes back.

use std::time::Duration;

use crate::store::{Commit, Op, Value};

/// The least that an attempt is taken to last, in microseconds: the spread after the first conflict
/// that matters.
const MIN_US: u64 = 100;
/// The widest spread, in microseconds.
const WIDEST_US: u64 = 50_000;
/// A spread takes no more than one part in this many of the time that a call may wait for the
/// store.
const PARTS: u64 = 4;
/// Nobody conflicts with a host that does nothing: each time that it has done nothing for this long
/// halves its spread.
const FADES_US: u64 = 100_000;
/// From this many microseconds on a trip is long.
const LONG_US: u64 = 2_000;
/// For this many microseconds after a conflict others are taken to be there.
const REMEMBERED_US: u64 = 1_000_000;
/// How many conflicts in a row are nothing unusual: a value that changes once in a while has
/// changed.
const USUAL: u32 = 1;

/// Whether a commit was refused because another host has replaced a value that its runs had read,
/// by the true values of its cells.
pub(super) fn is_conflict(commit: &Commit, truth: &[Option<Value>]) -> bool {
    let mut is_changed = vec![false; commit.cells.len()];
    commit.ops.iter().any(|op| match op {
        // What is read after the log has changed it says nothing of what was there.
        Op::Get { cell, expected } => !is_changed[*cell] && truth.get(*cell) != Some(expected),
        Op::Observe { .. } => false,
        Op::Put { cell, .. } | Op::Advance { cell, .. } | Op::Retreat { cell, .. } | Op::Raise { cell, .. } => {
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
    /// When it last committed.
    seen_us: u64,
    /// When it last met a conflict.
    met_us: u64,
    /// How much it leaves to the others since then, if its trips are long; else 0.
    left_us: u64,
}

/// The widest spread, in microseconds, where a call may wait for the store until this timeout.
pub(super) fn widest_us(timeout: Option<Duration>) -> u64 {
    let part_us = timeout.map_or(WIDEST_US, |timeout| u64::try_from(timeout.as_micros()).unwrap_or(u64::MAX) / PARTS);
    part_us.clamp(MIN_US, WIDEST_US)
}

impl Contention {
    /// Another host had replaced a value that a commit depended on, now and after so long.
    /// `is_done`: its calls have their answers all the same.
    pub(super) fn met(&mut self, now_us: u64, trip_us: u64, widest_us: u64, is_done: bool) {
        self.met_us = now_us;
        self.left_us = if trip_us < LONG_US { 0 } else { trip_us.min(widest_us) };
        if !is_done {
            self.lost(now_us, trip_us, widest_us);
        }
    }

    fn lost(&mut self, now_us: u64, trip_us: u64, widest_us: u64) {
        self.in_a_row = self.in_a_row.saturating_add(1);
        let spread_us = self.spread_at(now_us);
        if self.in_a_row > USUAL || spread_us > 0 {
            let least_us = trip_us.clamp(MIN_US, widest_us);
            self.spread_us = (spread_us * 2).clamp(least_us, widest_us);
        }
        self.seen_us = now_us;
    }

    /// A commit was applied. The clock is asked only where that matters.
    pub(super) fn won(&mut self, now_us: impl FnOnce() -> u64) {
        self.in_a_row = 0;
        if self.is_felt() {
            let now_us = now_us();
            let spread_us = self.spread_at(now_us);
            self.spread_us = if spread_us < 2 * MIN_US { 0 } else { spread_us / 2 };
            self.left_us = self.left_at(now_us);
            self.seen_us = now_us;
        }
    }

    /// Whether there was any of late.
    pub(super) fn is_felt(&self) -> bool {
        self.spread_us > 0 || self.left_us > 0
    }

    /// How long to wait before a commit, by a number that is hardly alike in any two hosts.
    pub(super) fn wait(&self, now_us: u64, chance: u64) -> Option<Duration> {
        chance.checked_rem(self.spread_at(now_us).max(self.left_at(now_us))).map(Duration::from_micros)
    }

    // A clock that was set back does not tell how long ago anything was: nothing is remembered
    // until it has caught up.
    fn left_at(&self, now_us: u64) -> u64 {
        if now_us.abs_diff(self.met_us) < REMEMBERED_US { self.left_us } else { 0 }
    }

    fn spread_at(&self, now_us: u64) -> u64 {
        let halvings = now_us.abs_diff(self.seen_us) / FADES_US;
        self.spread_us >> halvings.min(63)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lost(contention: &mut Contention) {
        contention.met(1_000, 400, WIDEST_US, false);
    }

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
        lost(&mut contention);
        assert_eq!(contention.wait(1_000, 12_345), None);
    }

    #[test]
    fn each_further_conflict_doubles_the_spread_up_to_a_bound() {
        let mut contention = Contention::default();
        lost(&mut contention);
        for expected in [400, 800, 1_600] {
            lost(&mut contention);
            assert_eq!(contention.spread_at(1_000), expected);
        }
        for _ in 0..20 {
            lost(&mut contention);
        }
        assert_eq!(contention.spread_at(1_000), WIDEST_US);
    }

    #[test]
    fn a_winner_goes_on_waiting_and_forgets_slowly() {
        let mut contention = Contention { spread_us: 1_600, in_a_row: 5, seen_us: 1_000, ..Contention::default() };
        contention.won(|| 1_000);
        assert_eq!(contention.spread_us, 800);
        for _ in 0..4 {
            contention.won(|| 1_000);
        }
        assert_eq!(contention.wait(1_000, 1), None);
    }

    #[test]
    fn a_winner_of_long_trips_leaves_others_a_part_of_one_while_it_meets_them() {
        let mut contention = Contention::default();
        contention.met(1_000, LONG_US - 1, WIDEST_US, true);
        assert!(!contention.is_felt());
        contention.met(1_000, 40_000, WIDEST_US, true);
        for now_us in [1_000, 500_000, REMEMBERED_US + 999] {
            contention.won(|| now_us);
            assert_eq!(contention.wait(now_us, 39_999), Some(Duration::from_micros(39_999)));
            assert_eq!(contention.wait(now_us, 40_000), Some(Duration::ZERO));
        }
        assert_eq!(contention.wait(REMEMBERED_US + 1_000, 39_999), None);
        contention.won(|| REMEMBERED_US + 1_000);
        assert!(!contention.is_felt());
        contention.met(1_000, 400_000, WIDEST_US, true);
        assert_eq!(contention.wait(1_000, WIDEST_US), Some(Duration::ZERO));
    }

    #[test]
    fn a_host_that_comes_back_after_a_while_does_not_wait() {
        let contention = Contention { spread_us: 1_600, in_a_row: 5, seen_us: 1_000, ..Contention::default() };
        assert_eq!(contention.wait(1_000 + FADES_US, 799), Some(Duration::from_micros(799)));
        assert_eq!(contention.wait(1_000 + FADES_US, 800), Some(Duration::ZERO));
        assert_eq!(contention.wait(1_000 + 20 * FADES_US, 799), None);
        assert_eq!(contention.wait(u64::MAX, 799), None);
    }

    #[test]
    fn a_host_whose_clock_is_set_back_does_not_wait_until_it_has_caught_up() {
        const HOUR_US: u64 = 3_600_000_000;
        let mut contention = Contention::default();
        for _ in 0..3 {
            contention.met(2 * HOUR_US, 40_000, WIDEST_US, false);
        }
        assert!(contention.wait(2 * HOUR_US, 39_999).is_some());
        assert_eq!(contention.wait(HOUR_US, 39_999), None);
    }

    #[test]
    fn no_spread_takes_most_of_the_time_that_a_call_has() {
        assert_eq!(widest_us(Some(Duration::from_millis(50))), 12_500);
        assert_eq!(widest_us(Some(Duration::from_secs(5))), WIDEST_US);
        assert_eq!(widest_us(Some(Duration::ZERO)), MIN_US);
        assert_eq!(widest_us(None), WIDEST_US);
    }
}
