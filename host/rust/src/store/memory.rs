//! The embedded store: the entities of this process, exact, bounded, and gone when they are of no
//! more use.
//!
//! A policy runs on an entity's true cells, under the lock of the shard that holds it, so nothing
//! has to be committed and no two calls can conflict. [`MemoryStore`] puts the same entities behind
//! the commit protocol.

pub(crate) mod forgetting;
mod many;
mod room;

use std::sync::Arc;

use indexmap::IndexMap;
use parking_lot::{Mutex, MutexGuard};

use self::forgetting::{Candidates, Tally};
pub use self::forgetting::{Forgotten, WhenFull};
pub(crate) use self::many::{Seat, Several};
use super::StoreError;
use crate::standing::Standing;
use crate::transaction::{Entity, Transaction};

/// How many shards there are. More than there are cores, so that two threads rarely meet at a lock.
const SHARDS: usize = 64;
/// How many entities a new one makes the shard look at for one that has expired. At two, what has
/// expired is at most about as much as what has not.
const SWEEP: usize = 2;

/// The embedded store. Cheap to clone; clones share their entities.
///
/// It holds entities that are in use, a million unless set otherwise. An entity is dropped when all
/// of it has expired. When the store is full, a newcomer makes it forget the one whose forgetting
/// gives away the least, or is turned away: see [`MemoryBuilder::when_full`].
#[derive(Clone)]
pub struct Memory {
    inner: Arc<Inner>,
}

struct Inner {
    shards: Vec<Mutex<Shard>>,
    hasher: Hasher,
    capacity: usize,
    tally: Tally,
}

/// The settings of a [`Memory`].
#[derive(Debug)]
pub struct MemoryBuilder {
    capacity: usize,
    when_full: WhenFull,
    hasher: Hasher,
    tally: Tally,
}

type Hasher = foldhash::fast::SeedableRandomState;

#[derive(Debug)]
pub(crate) struct Shard {
    entities: IndexMap<Box<str>, Slot, Hasher>,
    capacity: usize,
    when_full: WhenFull,
    /// Where the sweep goes on.
    hand: usize,
    /// Nothing expires before, so a full shard need not be searched again.
    full_until_us: u64,
    candidates: Candidates,
    /// What was forgotten since this was last taken.
    pub(crate) forgotten: Forgotten,
    /// How many to look at for those that came in a run of several.
    newcomers: usize,
    transaction: Transaction,
}

#[derive(Debug, Default)]
struct Slot {
    entity: Entity,
    /// The time of the last run. No run on the entity is ever given an earlier one.
    seen_us: u64,
    /// In a run of several, which entity it is, counted from 1; else 0.
    seat: u32,
    standing: Standing,
}

impl Memory {
    /// A store of up to a million entities.
    pub fn new() -> Self {
        Self::with_capacity(1_000_000)
    }

    /// A store of about this many entities at most; at least one for each of its 64 shards.
    pub fn with_capacity(entities: usize) -> Self {
        Self::builder().capacity(entities).build()
    }

    /// A store of up to a million entities that forgets when it is full, unless set otherwise.
    pub fn builder() -> MemoryBuilder {
        // Not the same in any two processes: who chooses keys must not be able to fill one shard
        // with them.
        MemoryBuilder {
            capacity: 1_000_000,
            when_full: WhenFull::Forget,
            hasher: Hasher::random(),
            tally: Tally::default(),
        }
    }

    /// One that turns newcomers away, and in which the same entities find room in every process, so
    /// that a simulation can be replayed.
    pub(crate) fn replayable(entities: usize) -> Self {
        let settings = Self::builder().capacity(entities).when_full(WhenFull::Refuse);
        MemoryBuilder { hasher: Hasher::fixed(), ..settings }.build()
    }

    /// What it has forgotten so far because it was full.
    pub fn forgotten(&self) -> Forgotten {
        self.inner.tally.total()
    }

    /// How many entities it holds, with those that have expired but were not yet dropped.
    pub fn len(&self) -> usize {
        self.inner.shards.iter().map(|shard| shard.lock().entities.len()).sum()
    }

    /// Whether it is empty.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Runs on the true cells of the entity `tag`, at `now_us` or the latest time the entity has
    /// seen.
    ///
    /// The run must leave the transaction as it was if it fails.
    pub(crate) fn run<R>(
        &self,
        tag: &str,
        now_us: u64,
        run: impl FnOnce(&mut Transaction) -> R,
    ) -> Result<R, StoreError> {
        self.run_or_stand(tag, now_us, |transaction, standing| {
            standing.end();
            run(transaction)
        })
    }

    /// The same for a run that may be answered by what stands of the entity, or end that.
    pub(crate) fn run_or_stand<R>(
        &self,
        tag: &str,
        now_us: u64,
        run: impl FnOnce(&mut Transaction, &mut Standing) -> R,
    ) -> Result<R, StoreError> {
        let mut shard = self.shard(self.shard_of(tag));
        let result = shard.run(tag, now_us, run);
        let forgotten = std::mem::take(&mut shard.forgotten);
        drop(shard);
        self.note_forgotten(forgotten, now_us);
        result.ok_or(StoreError::Full { capacity: self.inner.capacity })
    }

    /// Counts and tells what a shard has forgotten. Not to be called while one is locked.
    pub(crate) fn note_forgotten(&self, forgotten: Forgotten, now_us: u64) {
        self.inner.tally.add(forgotten, now_us);
    }

    pub(crate) fn shard_of(&self, tag: &str) -> usize {
        use std::hash::BuildHasher as _;
        // The low bits choose where it is within the shard's map.
        usize::try_from(self.inner.hasher.hash_one(tag) >> 32).unwrap_or(0) % SHARDS
    }

    pub(crate) fn shard(&self, index: usize) -> MutexGuard<'_, Shard> {
        self.inner.shards[index].lock()
    }

    pub(crate) fn capacity(&self) -> usize {
        self.inner.capacity
    }
}

impl MemoryBuilder {
    /// About this many entities at most; at least one for each of its 64 shards.
    #[must_use]
    pub fn capacity(mut self, entities: usize) -> Self {
        self.capacity = entities;
        self
    }

    /// What a newcomer meets when the store is full; by default [`WhenFull::Forget`].
    #[must_use]
    pub fn when_full(mut self, when_full: WhenFull) -> Self {
        self.when_full = when_full;
        self
    }

    /// Calls `listener` when the store has forgotten entities because it was full, with all that it
    /// has forgotten so far: at once, and then at most once a second. It must return at once. Each
    /// listener that was added is called.
    #[must_use]
    pub fn on_forgotten(mut self, listener: impl Fn(Forgotten) + Send + Sync + 'static) -> Self {
        self.tally.listeners.push(Arc::new(listener));
        self
    }

    /// The store.
    pub fn build(self) -> Memory {
        let Self { capacity, when_full, hasher, tally } = self;
        let shard = || Shard {
            entities: IndexMap::with_hasher(hasher.clone()),
            capacity: capacity.div_ceil(SHARDS).max(1),
            when_full,
            hand: 0,
            full_until_us: 0,
            candidates: Candidates::default(),
            forgotten: Forgotten::default(),
            newcomers: 0,
            transaction: Transaction::default(),
        };
        let shards = (0..SHARDS).map(|_| Mutex::new(shard())).collect();
        Memory { inner: Arc::new(Inner { shards, hasher, capacity, tally }) }
    }
}

impl std::fmt::Debug for Memory {
    /// Shows no entity: there may be a million.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Memory").field("capacity", &self.inner.capacity).finish_non_exhaustive()
    }
}

impl Default for Memory {
    fn default() -> Self {
        Self::new()
    }
}

impl Shard {
    /// `None`: there is no room for the entity, and the run has changed nothing.
    fn run<R>(&mut self, tag: &str, now_us: u64, run: impl FnOnce(&mut Transaction, &mut Standing) -> R) -> Option<R> {
        let Some((index, _, slot)) = self.entities.get_full_mut(tag) else {
            return self.run_new(tag, now_us, run);
        };
        slot.seen_us = slot.seen_us.max(now_us);
        let transaction = &mut self.transaction;
        transaction.begin_direct(slot.seen_us, 1);
        std::mem::swap(transaction.entity_mut(0), &mut slot.entity);
        let result = run(transaction, &mut slot.standing);
        std::mem::swap(transaction.entity_mut(0), &mut slot.entity);
        if slot.entity.is_over(slot.seen_us) {
            self.entities.swap_remove_index(index);
        }
        Some(result)
    }

    fn run_new<R>(
        &mut self,
        tag: &str,
        now_us: u64,
        run: impl FnOnce(&mut Transaction, &mut Standing) -> R,
    ) -> Option<R> {
        self.transaction.begin_direct(now_us, 1);
        let result = run(&mut self.transaction, &mut Standing::default());
        let entity = std::mem::take(self.transaction.entity_mut(0));
        if entity.is_over(now_us) {
            return Some(result);
        }
        let has_room = self.make_room(1, now_us);
        if has_room {
            self.insert(tag, entity, now_us);
        }
        has_room.then_some(result)
    }

    /// Moves an entity out.
    pub(crate) fn take(&mut self, tag: &str) -> Entity {
        self.entities.swap_remove(tag).map(|slot| slot.entity).unwrap_or_default()
    }

    /// Puts an entity in, for which there must be room.
    pub(crate) fn insert(&mut self, tag: &str, entity: Entity, now_us: u64) {
        if !self.candidates.is_empty() {
            self.candidates.offer(tag, entity.weight, entity.expires_us());
        }
        self.entities.insert(tag.into(), Slot { entity, seen_us: now_us, seat: 0, standing: Standing::default() });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::wit::kv::{Cell, Scope};

    const CELL: Cell = Cell { entity: 0, field: 1, scope: Scope::Shared };

    fn put(memory: &Memory, tag: &str, now_us: u64, ttl_ms: u64) -> Result<(), StoreError> {
        memory.run(tag, now_us, |transaction| transaction.put(CELL, Some("x".into()), ttl_ms))
    }

    fn read(memory: &Memory, tag: &str, now_us: u64) -> Option<String> {
        memory
            .run(tag, now_us, |transaction| transaction.get(CELL).map(|v| v.to_string()))
            .expect("a read needs no room")
    }

    #[test]
    fn what_one_run_puts_the_next_reads() {
        let memory = Memory::new();
        put(&memory, "a", 1_000, 5).expect("there is room");
        assert_eq!(read(&memory, "a", 5_999).as_deref(), Some("x"));
        assert_eq!(read(&memory, "b", 5_999), None);
        assert_eq!(read(&memory, "a", 6_000), None);
    }

    #[test]
    fn time_never_runs_backwards_for_an_entity() {
        let memory = Memory::new();
        put(&memory, "a", 9_000_000, 60_000).expect("there is room");
        let seen = memory.run("a", 5_000_000, |transaction| transaction.now_us()).expect("it is held");
        assert_eq!(seen, 9_000_000);
    }

    #[test]
    fn reading_an_unknown_entity_holds_nothing() {
        let memory = Memory::new();
        assert_eq!(read(&memory, "a", 1), None);
        assert!(memory.is_empty());
    }

    #[test]
    fn what_has_expired_is_dropped_while_others_come() {
        let memory = Memory::new();
        for round in 0..50_u64 {
            for i in 0..200 {
                put(&memory, &format!("{round}-{i}"), round * 10_000, 5).expect("there is room");
            }
        }
        assert!(memory.len() < 1_000, "{} of 10,000 are kept, 200 of them live", memory.len());
    }

    #[test]
    fn a_full_store_refuses_newcomers_until_one_expires_and_serves_those_it_holds() {
        let memory = Memory::builder().capacity(SHARDS).when_full(WhenFull::Refuse).build();
        let tags: Vec<String> = (0..10_000).map(|i| format!("user-{i}")).collect();
        let shard = memory.shard_of("a");
        let other = tags.iter().find(|tag| memory.shard_of(tag) == shard).expect("one of so many shares the shard");
        put(&memory, "a", 0, 10).expect("the shard is empty");
        assert!(matches!(put(&memory, other, 1, 10), Err(StoreError::Full { .. })));
        assert_eq!(read(&memory, "a", 2).as_deref(), Some("x"));
        put(&memory, "a", 3, 10).expect("it is held already");
        put(&memory, other, 20_000, 10).expect("the other has expired");
        assert_eq!(memory.len(), 1);
    }
}
