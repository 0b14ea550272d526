//! What a full store forgets: the entity whose forgetting gives away the least.
//!
//! That is the one with the least weight: of a limiter the permits that counted in it at its last
//! call, of a closed circuit the failures. A circuit that is not closed comes last. Of equal
//! weights the one that expires first goes.
//!
//! To look at all for each newcomer would cost too much. So a newcomer makes the store look at a
//! few others, in turn, and the lightest of all that were seen are remembered, as Redis does with
//! what it evicts. Newcomers are looked at as well: once one of them is lighter than the others,
//! newcomers replace each other, and whoever makes up keys displaces nobody who counts more.

use std::fmt;
use std::ops::AddAssign;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// How many others a newcomer makes a full store look at.
pub(super) const LOOK: usize = 16;
/// How many of the lightest are remembered.
const REMEMBERED: usize = 16;
/// Listeners are told at most once in this many microseconds.
const TELL_US: u64 = 1_000_000;

/// The weight of what should not be forgotten.
pub(crate) const HEAVIEST: u32 = u32::MAX;

/// What a full store does with a newcomer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum WhenFull {
    /// It forgets the entity whose forgetting gives away the least. That key starts afresh, so at
    /// most the permits that counted in it can be admitted once more: see [`Forgotten::permits`].
    #[default]
    Forget,
    /// It turns newcomers away with [`StoreError::Full`](crate::store::StoreError::Full), and
    /// admits nothing too much.
    Refuse,
}

/// What a full store has forgotten so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Forgotten {
    /// How many entities.
    pub entities: u64,
    /// How many permits (of circuits, failures) counted in them at their last calls: this many may
    /// be admitted too much in all.
    pub permits: u64,
}

impl AddAssign for Forgotten {
    fn add_assign(&mut self, more: Self) {
        self.entities += more.entities;
        self.permits += more.permits;
    }
}

impl Forgotten {
    pub(super) fn note(&mut self, weight: u32) {
        self.entities += 1;
        self.permits += if weight == HEAVIEST { 0 } else { u64::from(weight) };
    }
}

/// An entity that may be forgotten.
#[derive(Debug)]
struct Candidate {
    weight: u32,
    expires_us: u64,
    tag: Box<str>,
}

/// The lightest entities of those that were looked at, the lightest last.
#[derive(Debug, Default)]
pub(super) struct Candidates(Vec<Candidate>);

impl Candidates {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Remembers an entity if it is among the lightest.
    pub(super) fn offer(&mut self, tag: &str, weight: u32, expires_us: u64) {
        let rank = (weight, expires_us);
        let is_full = self.0.len() >= REMEMBERED;
        if is_full && self.0.first().is_some_and(|heaviest| rank >= (heaviest.weight, heaviest.expires_us)) {
            return;
        }
        self.0.retain(|candidate| *candidate.tag != *tag);
        if self.0.len() >= REMEMBERED {
            self.0.remove(0);
        }
        let index = self.0.partition_point(|other| (other.weight, other.expires_us) > rank);
        self.0.insert(index, Candidate { weight, expires_us, tag: tag.into() });
    }

    /// Takes the lightest: its tag, and what it weighed when it was looked at.
    pub(super) fn take(&mut self) -> Option<(Box<str>, u32)> {
        self.0.pop().map(|candidate| (candidate.tag, candidate.weight))
    }
}

type Listener = Arc<dyn Fn(Forgotten) + Send + Sync>;

/// Counts what was forgotten, and tells of it.
#[derive(Default)]
pub(super) struct Tally {
    entities: AtomicU64,
    permits: AtomicU64,
    /// Nobody is told before.
    tell_at_us: AtomicU64,
    pub(super) listeners: Vec<Listener>,
}

impl Tally {
    pub(super) fn total(&self) -> Forgotten {
        Forgotten { entities: self.entities.load(Ordering::Relaxed), permits: self.permits.load(Ordering::Relaxed) }
    }

    /// Not to be called under a lock: a listener may ask for anything.
    pub(super) fn add(&self, forgotten: Forgotten, now_us: u64) {
        if forgotten.entities == 0 {
            return;
        }
        self.entities.fetch_add(forgotten.entities, Ordering::Relaxed);
        self.permits.fetch_add(forgotten.permits, Ordering::Relaxed);
        let tell_at_us = self.tell_at_us.load(Ordering::Relaxed);
        let next_us = now_us.saturating_add(TELL_US);
        // Of threads that come together one tells.
        let may_tell = now_us >= tell_at_us
            && self.tell_at_us.compare_exchange(tell_at_us, next_us, Ordering::Relaxed, Ordering::Relaxed).is_ok();
        if may_tell {
            self.tell(self.total());
        }
    }

    fn tell(&self, total: Forgotten) {
        let Forgotten { entities, permits } = total;
        tracing::warn!(
            entities,
            permits,
            "the memory store is full and forgets the entities in which the least counts"
        );
        for listener in &self.listeners {
            let told = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| listener(total)));
            if told.is_err() {
                tracing::error!("a listener of what the memory store forgets has panicked");
            }
        }
    }
}

impl fmt::Debug for Tally {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:?}, {} listeners", self.total(), self.listeners.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lightest_goes_first_and_of_equals_the_one_that_expires_first() {
        let mut candidates = Candidates::default();
        for (tag, weight, expires_us) in [("a", 5, 10), ("b", 1, 30), ("c", 1, 20), ("d", HEAVIEST, 1)] {
            candidates.offer(tag, weight, expires_us);
        }
        let taken: Vec<Box<str>> = std::iter::from_fn(|| candidates.take()).map(|(tag, _)| tag).collect();
        assert_eq!(taken.iter().map(|tag| &**tag).collect::<Vec<_>>(), ["c", "b", "a", "d"]);
    }

    #[test]
    fn no_more_than_the_lightest_are_remembered_and_none_twice() {
        let mut candidates = Candidates::default();
        for weight in (0..100).rev() {
            candidates.offer(&weight.to_string(), weight, 0);
            candidates.offer(&weight.to_string(), weight, 0);
        }
        let taken: Vec<u32> = std::iter::from_fn(|| candidates.take()).map(|(_, weight)| weight).collect();
        assert_eq!(taken, (0..16).collect::<Vec<_>>());
    }

    #[test]
    fn listeners_are_told_at_once_and_then_at_most_once_a_second_though_one_panics() {
        let told = Arc::new(parking_lot::Mutex::new(Vec::new()));
        let seen = Arc::clone(&told);
        let listeners: Vec<Listener> = vec![
            Arc::new(|_| panic!("a listener's own fault")),
            Arc::new(move |forgotten: Forgotten| seen.lock().push(forgotten.entities)),
        ];
        let tally = Tally { listeners, ..Tally::default() };
        for now_us in [5, 6, TELL_US + 4, TELL_US + 5, TELL_US + 6] {
            tally.add(Forgotten { entities: 1, permits: 1 }, now_us);
        }
        assert_eq!(*told.lock(), [1, 4]);
        assert_eq!(tally.total(), Forgotten { entities: 5, permits: 5 });
    }
}
