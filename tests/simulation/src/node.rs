//! The model store as a server: cells, a clock, and what befalls it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use tidegate::store::{Commit, Op, Outcome, Reply};

use crate::cells::{CellStore, Held, Place};
use crate::clock::START_US;
use crate::flaw::Flaw;
use crate::random::Random;
use crate::record::Applied;

/// How long a replica lags behind at most, in microseconds: for so long what was changed can be
/// undone.
const MAX_LAG_US: u64 = 2_000_000;

/// What can be undone: when, on which entity, which commit was the last before, and the cells
/// before.
struct Undo {
    true_us: u64,
    tag: String,
    head: Option<usize>,
    cells: Vec<(Place, Option<Held>)>,
}

/// The one store of a run.
pub struct Node {
    cells: CellStore,
    flaw: Option<Flaw>,
    /// How far its clock is ahead of the true time.
    shift_us: i64,
    /// The last commit on each entity that it still knows of.
    heads: BTreeMap<String, usize>,
    undo: VecDeque<Undo>,
    /// The messages that have come.
    seen: BTreeSet<(usize, u64)>,
    /// All that was ever applied.
    pub applied: Vec<Applied>,
}

impl Node {
    /// An empty store.
    pub fn new(flaw: Option<Flaw>) -> Self {
        Self {
            cells: CellStore::new(flaw),
            flaw,
            shift_us: 0,
            heads: BTreeMap::new(),
            undo: VecDeque::new(),
            seen: BTreeSet::new(),
            applied: Vec::new(),
        }
    }

    /// Its clock, in microseconds since 1970.
    pub fn clock_us(&self, true_us: u64) -> u64 {
        (START_US + true_us).saturating_add_signed(self.shift_us)
    }

    /// Takes a message in. With the reply comes the number of the commit, if it was applied. One
    /// that is refused is told all that it asked of, so it counts as one that only reads, at the
    /// store's time.
    pub fn take(&mut self, message: (usize, u64), commit: &Commit, true_us: u64) -> (Reply, Option<usize>) {
        let clock_us = self.clock_us(true_us);
        // A first copy that was turned away counts too: its sender has asked anew since.
        let again = !self.seen.insert(message);
        let (reply, changed) = self.cells.commit(commit, clock_us);
        let Some(tag) = commit.entities.first().map(|key| key.tag().to_owned()) else { return (reply, None) };
        let applied = match reply.outcome {
            Outcome::Applied(_) => self.describe(&tag, commit, clock_us, again),
            Outcome::Refused(_) => {
                let asked = self.describe(&tag, commit, clock_us, again);
                Applied { at_us: clock_us, refused: true, moved_back: 0, ..asked }
            }
            Outcome::Untimely => return (reply, None),
        };
        let head = self.heads.insert(tag.clone(), self.applied.len());
        self.undo.push_back(Undo { true_us, tag, head, cells: changed });
        while self.undo.front().is_some_and(|undo| undo.true_us + MAX_LAG_US < true_us) {
            self.undo.pop_front();
        }
        self.applied.push(applied);
        (reply, Some(self.applied.len() - 1))
    }

    fn describe(&self, tag: &str, commit: &Commit, clock_us: u64, again: bool) -> Applied {
        let own: Vec<&Held> =
            self.cells.live(clock_us).filter(|((of, _), _)| of == tag).map(|(_, held)| held).collect();
        let ttl_ms = |held: &&Held| (held.expires_us - clock_us) / 1_000;
        Applied {
            tag: tag.to_owned(),
            at_us: commit.at_us,
            clock_us,
            parent: self.heads.get(tag).copied(),
            again,
            gives: commit.ops.iter().filter(|op| matches!(op, Op::Retreat { .. } | Op::Put { .. })).count() as u64,
            refused: false,
            moved_back: commit.ops.iter().filter(|op| matches!(op, Op::Retreat { .. })).count() as u64,
            cells: own.len(),
            bytes: own.iter().map(|held| held.text.len()).sum(),
            longest_ttl_ms: own.iter().map(ttl_ms).max().unwrap_or(0),
        }
    }

    /// Loses everything.
    pub fn restart(&mut self) {
        self.cells = CellStore::new(self.flaw);
        self.heads.clear();
        self.undo.clear();
    }

    /// Loses the last of what was applied, and goes by another clock.
    pub fn fail_over(&mut self, true_us: u64, lag_us: u64, shift_us: i64) {
        while let Some(undo) = self.undo.pop_back_if(|undo| undo.true_us + lag_us > true_us) {
            for (place, held) in undo.cells.into_iter().rev() {
                self.cells.restore(place, held);
            }
            match undo.head {
                Some(head) => self.heads.insert(undo.tag, head),
                None => self.heads.remove(&undo.tag),
            };
        }
        self.shift_us += shift_us;
    }

    /// Drops some cells. What is left of an entity that lost one is no line of commits any more.
    pub fn evict(&mut self, random: &mut Random, per_mille: u64) {
        let places: Vec<Place> = self.cells.live(0).map(|(place, _)| place.clone()).collect();
        for place in places.into_iter().filter(|_| random.chance(per_mille)) {
            self.heads.remove(&place.0);
            self.cells.restore(place, None);
            // What was there before cannot be undone to.
            self.undo.clear();
        }
    }

    /// The cells that are left at a time.
    pub fn leftover(&self, true_us: u64) -> Vec<String> {
        let clock_us = self.clock_us(true_us);
        self.cells.live(clock_us).map(|(place, held)| format!("{place:?} = {}", held.text)).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tidegate::key::EntityKey;
    use tidegate::store::Value;

    use super::*;

    fn put_at(at_us: u64) -> Commit {
        let ops = vec![Op::Put { cell: 0, value: Some(Value::from("1")), ttl_ms: 1_000 }];
        Commit { at_us, entities: vec![Arc::new(EntityKey::new("rl", "a", "b"))], cells: vec![(0, 1)], ops }
    }

    #[test]
    fn a_second_copy_is_told_apart_whatever_became_of_the_first() {
        let mut node = Node::new(None);
        let ahead = put_at(START_US + 10);
        assert!(matches!(node.take((0, 1), &ahead, 5).0.outcome, Outcome::Untimely));
        node.take((0, 2), &put_at(START_US + 6), 6);
        node.take((0, 1), &ahead, 20);
        node.take((0, 2), &put_at(START_US + 6), 21);
        assert_eq!(node.applied.iter().map(|applied| applied.again).collect::<Vec<_>>(), [false, true, true]);
    }
}
