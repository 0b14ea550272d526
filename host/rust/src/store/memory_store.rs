//! The embedded store behind the commit protocol: what a distant store does, without the distance.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use parking_lot::MutexGuard;

use super::memory::{Forgotten, Memory, Shard};
use super::{BoxFuture, CellIndex, Commit, MAX_LAG_US, MAX_NUMBER, Op, Outcome, Reply, Seen, Store, StoreError, Value};
use crate::clock::Clock;
use crate::runtime::wit::kv::{Cell, Scope};
use crate::transaction::Transaction;

/// A [`Memory`] that takes commits on a clock of its own. For tests and simulations of the
/// protocol; [`Memory`] itself is faster where no distance is wanted.
#[derive(Debug, Clone)]
pub struct MemoryStore {
    memory: Memory,
    clock: Arc<dyn Clock>,
}

impl MemoryStore {
    /// Serves the entities of `memory` on `clock`.
    pub fn new(memory: Memory, clock: Arc<dyn Clock>) -> Self {
        Self { memory, clock }
    }

    fn apply(&self, commit: &Commit) -> Result<Reply, StoreError> {
        let clock_us = self.clock.now_us();
        let reply = |(outcome, foreign)| Reply { outcome, clock_us, foreign };
        if commit.at_us > clock_us || commit.at_us.saturating_add(MAX_LAG_US) < clock_us {
            return Ok(reply((Outcome::Untimely, 0)));
        }
        let mut shards = self.lock(commit);
        let mut transaction = Transaction::default();
        transaction.begin_direct(clock_us, commit.entities.len());
        for (index, key) in commit.entities.iter().enumerate() {
            *transaction.entity_mut(index) = shards.of(&self.memory, key.tag()).take(key.tag());
        }
        let mut outcome = Some(apply(&mut transaction, commit));
        if !shards.values_mut().all(|shard| shard.make_room(commit.entities.len(), clock_us)) {
            transaction.rollback_run();
            outcome = None;
        }
        for (index, key) in commit.entities.iter().enumerate() {
            let entity = std::mem::take(transaction.entity_mut(index));
            if !entity.is_over(clock_us) {
                shards.of(&self.memory, key.tag()).insert(key.tag(), entity, clock_us);
            }
        }
        let mut forgotten = Forgotten::default();
        for shard in shards.values_mut() {
            forgotten += std::mem::take(&mut shard.forgotten);
        }
        drop(shards);
        self.memory.note_forgotten(forgotten, clock_us);
        outcome.map(reply).ok_or(StoreError::Full { capacity: self.memory.capacity() })
    }

    /// Locks the shards of all entities, in their order, so that no two commits wait for each
    /// other.
    fn lock(&self, commit: &Commit) -> Locked<'_> {
        let shards: BTreeSet<usize> = commit.entities.iter().map(|key| self.memory.shard_of(key.tag())).collect();
        Locked(shards.into_iter().map(|shard| (shard, self.memory.shard(shard))).collect())
    }
}

/// Locked shards by number.
struct Locked<'m>(BTreeMap<usize, MutexGuard<'m, Shard>>);

impl Locked<'_> {
    fn of(&mut self, memory: &Memory, tag: &str) -> &mut Shard {
        self.0.get_mut(&memory.shard_of(tag)).expect("the shards of all entities of a commit are locked")
    }

    fn values_mut(&mut self) -> impl Iterator<Item = &mut Shard> {
        self.0.values_mut().map(|guard| &mut **guard)
    }
}

impl Store for MemoryStore {
    fn commit<'a>(&'a self, commit: &'a Commit) -> BoxFuture<'a, Result<Reply, StoreError>> {
        Box::pin(std::future::ready(self.apply(commit)))
    }

    fn time_us(&self) -> BoxFuture<'_, Result<u64, StoreError>> {
        Box::pin(std::future::ready(Ok(self.clock.now_us())))
    }
}

/// Applies all operations, or does nothing; and how many cells had text where a number was needed.
fn apply(transaction: &mut Transaction, commit: &Commit) -> (Outcome, u64) {
    let cell_of = |cell: usize| {
        let (entity, field) = commit.cells[cell];
        Cell { entity: u32::try_from(entity).unwrap_or(u32::MAX), field, scope: Scope::Shared }
    };
    let mut foreign = BTreeSet::new();
    let mut apply = |op: &Op| {
        foreign.extend(moved(op).filter(|cell| transaction.holds_text(cell_of(*cell))));
        apply_op(transaction, op, cell_of)
    };
    let seen: Option<Vec<Seen>> = commit.ops.iter().map(&mut apply).collect();
    let foreign = foreign.len() as u64;
    if let Some(seen) = seen {
        return (Outcome::Applied(seen), foreign);
    }
    transaction.rollback_run();
    let truth: Vec<Option<Value>> = (0..commit.cells.len()).map(|cell| transaction.get(cell_of(cell))).collect();
    (Outcome::Refused(truth), foreign)
}

/// The cell whose number an operation moves.
fn moved(op: &Op) -> Option<CellIndex> {
    match op {
        Op::Advance { cell, .. } | Op::Retreat { cell, .. } | Op::Raise { cell, .. } => Some(*cell),
        Op::Get { .. } | Op::Observe { .. } | Op::Put { .. } => None,
    }
}

/// What was known when the operation was applied; `None`: the run was told something that is not
/// so.
fn apply_op(transaction: &mut Transaction, op: &Op, cell_of: impl Fn(usize) -> Cell) -> Option<Seen> {
    match op {
        Op::Get { cell, expected } => (transaction.get(cell_of(*cell)) == *expected).then_some(Seen::Nothing),
        Op::Observe { cell } => Some(Seen::Value(transaction.get(cell_of(*cell)))),
        Op::Put { cell, value, ttl_ms } => {
            transaction.put(cell_of(*cell), value.clone(), *ttl_ms);
            Some(Seen::Nothing)
        }
        Op::Advance { cell, step, floor, ceiling, ttl_ms, fits, repeat } => {
            let (at, step, floor) = (cell_of(*cell), bounded(*step), bounded(*floor));
            let base = transaction.advance(at, 0, floor, u64::MAX, *ttl_ms).unwrap_or(floor);
            // All repetitions together may pass what a number can hold, and then do not fit.
            let steps = if *fits { step.saturating_mul(*repeat) } else { step };
            let verdict = transaction.advance(at, steps, floor, *ceiling, *ttl_ms).is_ok();
            (verdict == *fits).then_some(Seen::Number(base))
        }
        Op::Retreat { cell, step, floor } => {
            Some(Seen::Number(transaction.retreat(cell_of(*cell), bounded(*step), bounded(*floor))))
        }
        Op::Raise { cell, to, ttl_ms } => Some(Seen::Number(transaction.raise(cell_of(*cell), bounded(*to), *ttl_ms))),
    }
}

/// As a store takes a number that is above what it can hold.
fn bounded(number: u64) -> u64 {
    number.min(MAX_NUMBER)
}
