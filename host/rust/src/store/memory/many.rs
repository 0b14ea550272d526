//! Several entities in one run.
//!
//! The shards of all of them are locked in the order of their numbers, so no two such runs wait for
//! each other.

use parking_lot::MutexGuard;

use super::{Memory, SHARDS, SWEEP, Shard, Slot};
use crate::transaction::Transaction;

/// What a run on several entities needs. Reused from run to run, it keeps its allocations.
#[derive(Debug, Default)]
pub(crate) struct Several {
    /// The tags of the entities that the calls are about, one after the other.
    tags: String,
    /// For each call, where its tag ends, and its entity's shard.
    calls: Vec<(usize, usize)>,
    seats: Vec<Seat>,
    /// For each entity of the run, its shard and its index there.
    positions: Vec<(usize, usize)>,
    transaction: Transaction,
}

/// Which entity of the run a call is about; `None`: its shard has no room for it, and the call has
/// no part in the run.
pub(crate) type Seat = Option<u32>;

/// Locked shards by number.
type Locked<'m> = [Option<MutexGuard<'m, Shard>>; SHARDS];

impl Several {
    /// Starts over without calls.
    pub(crate) fn clear(&mut self) {
        self.tags.clear();
        self.calls.clear();
        self.seats.clear();
        self.positions.clear();
    }

    /// One more call, on the entity whose tag `write` spells out.
    pub(crate) fn push(&mut self, write: impl FnOnce(&mut String)) {
        write(&mut self.tags);
        self.calls.push((self.tags.len(), 0));
    }

    /// What each call was about, once they have run.
    pub(crate) fn seats(&self) -> &[Seat] {
        &self.seats
    }
}

impl Memory {
    /// Runs once on the true cells of all entities, at `now_us` or the latest time any of them has
    /// seen. The run is told which of them each call is about.
    ///
    /// The run must leave the transaction as it was if it fails.
    pub(crate) fn run_many<R>(
        &self,
        several: &mut Several,
        now_us: u64,
        run: impl FnOnce(&mut Transaction, &[Seat]) -> R,
    ) -> R {
        let mut locked = self.lock(several);
        let now_us = several.take_seats(&mut locked).max(now_us);
        let Several { seats, positions, transaction, .. } = several;
        transaction.begin_direct(now_us, positions.len());
        exchange(transaction, &mut locked, positions);
        let result = run(transaction, seats);
        exchange(transaction, &mut locked, positions);
        leave(&mut locked, positions, now_us);
        result
    }

    fn lock(&self, several: &mut Several) -> Locked<'_> {
        let (mut start, mut wanted) = (0, [false; SHARDS]);
        for (end, shard) in &mut several.calls {
            *shard = self.shard_of(&several.tags[start..*end]);
            (start, wanted[*shard]) = (*end, true);
        }
        std::array::from_fn(|shard| wanted[shard].then(|| self.shard(shard)))
    }
}

impl Several {
    /// Finds or adds the entity of each call, and numbers them; the latest time that any of them
    /// has seen.
    fn take_seats(&mut self, locked: &mut Locked<'_>) -> u64 {
        let (mut start, mut seen_us) = (0, 0);
        for (end, index) in &self.calls {
            let tag = &self.tags[start..*end];
            start = *end;
            let shard = locked[*index].as_deref_mut().expect("the shards of all calls are locked");
            let Some((position, slot)) = shard.position(tag) else {
                self.seats.push(None);
                continue;
            };
            if slot.seat == 0 {
                self.positions.push((*index, position));
                slot.standing.end();
                slot.seat = u32::try_from(self.positions.len()).unwrap_or(u32::MAX);
                seen_us = slot.seen_us.max(seen_us);
            }
            self.seats.push(Some(slot.seat - 1));
        }
        seen_us
    }
}

impl Shard {
    /// Where an entity is. It is added if there is room for it.
    fn position(&mut self, tag: &str) -> Option<(usize, &mut Slot)> {
        if let Some(position) = self.entities.get_index_of(tag) {
            return Some((position, &mut self.entities[position]));
        }
        if self.entities.len() >= self.capacity {
            return None;
        }
        let (position, _) = self.entities.insert_full(tag.into(), Slot::default());
        Some((position, &mut self.entities[position]))
    }
}

/// Moves the cells of all entities into the transaction, or out of it.
fn exchange(transaction: &mut Transaction, locked: &mut Locked<'_>, positions: &[(usize, usize)]) {
    for (seat, (shard, position)) in positions.iter().enumerate() {
        if let Some(shard) = &mut locked[*shard] {
            std::mem::swap(transaction.entity_mut(seat), &mut shard.entities[*position].entity);
        }
    }
}

/// Leaves the entities, and drops those that are of no use. The last of a shard first, so that the
/// others stay where they are.
fn leave(locked: &mut Locked<'_>, positions: &mut [(usize, usize)], now_us: u64) {
    positions.sort_unstable_by(|one, other| other.cmp(one));
    for (shard, position) in positions {
        let Some(shard) = &mut locked[*shard] else { continue };
        let slot = &mut shard.entities[*position];
        let is_new = slot.seen_us == 0;
        (slot.seat, slot.seen_us) = (0, now_us);
        if slot.entity.is_over(now_us) {
            shard.entities.swap_remove_index(*position);
        } else if is_new {
            shard.newcomers += SWEEP;
        }
    }
    for shard in locked.iter_mut().flatten() {
        let newcomers = std::mem::take(&mut shard.newcomers);
        shard.sweep(newcomers, now_us);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::wit::kv::{Cell, Scope};

    fn cell(seat: Seat) -> Cell {
        Cell { entity: seat.expect("there is room"), field: 1, scope: Scope::Shared }
    }

    fn several(tags: &[&str]) -> Several {
        let mut several = Several::default();
        for tag in tags {
            several.push(|text| text.push_str(tag));
        }
        several
    }

    /// Adds one to a number for each of the tags: the numbers.
    fn count(memory: &Memory, tags: &[&str], now_us: u64, ttl_ms: u64) -> Vec<u64> {
        memory.run_many(&mut several(tags), now_us, |transaction, seats| {
            let count = |seat: &Seat| transaction.advance(cell(*seat), 1, 0, 1_000, ttl_ms);
            seats.iter().map(count).map(|counted| counted.expect("it is below the ceiling")).collect()
        })
    }

    #[test]
    fn calls_on_one_entity_see_each_other_and_stay() {
        let memory = Memory::new();
        assert_eq!(count(&memory, &["a", "b", "a"], 1_000, 5), [1, 1, 2]);
        assert_eq!(count(&memory, &["b", "c", "a"], 1_000, 5), [2, 1, 3]);
        assert_eq!(memory.len(), 3);
    }

    #[test]
    fn run_is_at_the_latest_time_seen_by_any() {
        let memory = Memory::new();
        count(&memory, &["a"], 9_000, 60_000);
        let seen_us = |tags: &[&str]| memory.run_many(&mut several(tags), 5_000, |transaction, _| transaction.now_us());
        assert_eq!(seen_us(&["b", "a"]), 9_000);
        assert_eq!(seen_us(&["b"]), 5_000);
    }

    #[test]
    fn what_a_run_leaves_empty_is_not_held() {
        let memory = Memory::new();
        let tags: Vec<String> = (0..500).map(|number| number.to_string()).collect();
        let tags: Vec<&str> = tags.iter().map(String::as_str).collect();
        let read = |transaction: &mut Transaction, seats: &[Seat]| {
            seats.iter().filter(|seat| transaction.get(cell(**seat)).is_some()).count()
        };
        assert_eq!(memory.run_many(&mut several(&tags), 1, read), 0);
        assert!(memory.is_empty());
        count(&memory, &tags[..250], 1_000, 5);
        assert_eq!(memory.run_many(&mut several(&tags), 1_000, read), 250);
        assert_eq!(memory.len(), 250);
    }

    #[test]
    fn what_has_expired_is_dropped_while_others_come() {
        let memory = Memory::new();
        for round in 0..50_u64 {
            let tags: Vec<String> = (0..200).map(|number| format!("{round}-{number}")).collect();
            let tags: Vec<&str> = tags.iter().map(String::as_str).collect();
            count(&memory, &tags, round * 10_000, 5);
        }
        assert!(memory.len() < 1_500, "{} of 10,000 are kept, 200 of them live", memory.len());
    }

    #[test]
    fn a_newcomer_has_no_seat_in_a_full_shard() {
        let memory = Memory::with_capacity(SHARDS);
        count(&memory, &["a"], 0, 10);
        let other = (0..10_000).map(|number| number.to_string());
        let other = other.into_iter().find(|tag| memory.shard_of(tag) == memory.shard_of("a")).expect("one of so many");
        let seats = memory.run_many(&mut several(&["a", &other]), 1, |_, seats| seats.to_vec());
        assert_eq!(seats, [Some(0), None]);
    }
}
