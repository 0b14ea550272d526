//! What guest runs see and change: a time and the cells of a few entities.
//!
//! A transaction is used in one of two ways. *Direct*: its cells are the true ones, moved in by the
//! memory store, and a run changes them for good. *Logged*: its cells are what was last known of a
//! distant store; every operation is answered from them at once and written down with its answer,
//! so that the store can commit the log or refuse it. When the store applied a log but knew other
//! numbers, the runs are repeated on those numbers (`begin_replay`).
//!
//! Invariant: a run that traps leaves no trace ([`Transaction::rollback_run`]), and a log that is
//! refused leaves none of any of its runs. Times are microseconds since 1970.

mod cells;
mod kv;
mod log;
mod replay;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use smallvec::SmallVec;

use self::cells::Cell;
pub(crate) use self::cells::{CellValue, Cells};
use self::log::Log;
use crate::key::EntityKey;
use crate::runtime::wit::kv::{Cell as CellId, Scope};
use crate::store::{Commit, Seen, Value};

/// The cells of one entity.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Entity {
    /// Those that all hosts share.
    pub(crate) shared: Cells,
    /// Those of this process.
    pub(crate) local: Cells,
    /// How much forgetting it would give away, by its last answer; 0: not known.
    pub(crate) weight: u32,
}

impl Entity {
    /// Whether nothing of it is of use any more.
    pub(crate) fn is_over(&self, now_us: u64) -> bool {
        self.expires_us() <= now_us
    }

    /// When the last of its cells expires; 0 where it has no cells.
    pub(crate) fn expires_us(&self) -> u64 {
        self.shared.expires_us().max(self.local.expires_us())
    }
}

/// How a transaction answers for shared cells.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Mode {
    /// From the true cells.
    #[default]
    Direct,
    /// From the known cells, into the log.
    Logged,
    /// From what the store knew when it applied the log.
    Pinned,
}

/// A changed cell, as it was before. `None`: there was no such slot.
#[derive(Debug)]
struct Change {
    entity: usize,
    scope: Scope,
    slot: usize,
    before: Option<Cell>,
}

/// What one or several guest runs see. Reused from call to call, it keeps its allocations.
#[derive(Debug, Default)]
pub(crate) struct Transaction {
    now_us: u64,
    /// For how long the call was refused before.
    refused_ms: u32,
    mode: Mode,
    /// Whether a run named an entity that the call is not about.
    strayed: bool,
    /// Whether a run asked a cell that all hosts share.
    shares: bool,
    /// Where in `changes` the latest run starts.
    run_start: usize,
    entities: SmallVec<[Entity; 1]>,
    changes: Vec<Change>,
    /// Boxed because direct transactions, which are moved in and out of instances at every call,
    /// have no use for it.
    log: Option<Box<Log>>,
}

impl Transaction {
    /// Starts over on true cells, which the caller moves in by [`Self::entity_mut`], and out
    /// afterwards.
    pub(crate) fn begin_direct(&mut self, now_us: u64, entities: usize) {
        self.begin(Mode::Direct, now_us, entities);
    }

    /// Starts over on known cells, which the caller moves in by [`Self::entity_mut`], and out
    /// afterwards.
    pub(crate) fn begin_logged(&mut self, now_us: u64, keys: impl IntoIterator<Item = Arc<EntityKey>>) {
        let log = self.log.get_or_insert_default();
        log.begin(now_us, keys);
        let entities = log.commit.entities.len();
        self.begin(Mode::Logged, now_us, entities);
    }

    fn begin(&mut self, mode: Mode, now_us: u64, entities: usize) {
        self.mode = mode;
        self.now_us = now_us;
        self.refused_ms = 0;
        self.changes.clear();
        self.entities.resize_with(entities, Entity::default);
        for entity in &mut self.entities {
            entity.shared.clear();
            entity.local.clear();
            entity.weight = 0;
        }
        self.start_run();
    }

    /// Says for how long the call was refused before, once the transaction has begun.
    pub(crate) fn set_refused_ms(&mut self, refused_ms: u32) {
        self.refused_ms = refused_ms;
    }

    /// For how long the call was refused before.
    pub(crate) fn refused_ms(&self) -> u32 {
        self.refused_ms
    }

    /// The time that every read of the clock sees.
    pub(crate) fn now_us(&self) -> u64 {
        self.now_us
    }

    /// The cells of an entity of this call.
    ///
    /// # Panics
    /// If there is no such entity.
    pub(crate) fn entity(&self, entity: usize) -> &Entity {
        &self.entities[entity]
    }

    /// The same, to be changed.
    ///
    /// # Panics
    /// If there is no such entity.
    pub(crate) fn entity_mut(&mut self, entity: usize) -> &mut Entity {
        &mut self.entities[entity]
    }

    /// The log so far; empty for a direct transaction.
    pub(crate) fn commit(&self) -> Option<&Commit> {
        self.log.as_deref().filter(|_| self.mode != Mode::Direct).map(|log| &log.commit)
    }

    /// Marks the start of a run, to which [`Self::rollback_run`] goes back.
    pub(crate) fn start_run(&mut self) {
        self.strayed = false;
        self.shares = false;
        if self.mode == Mode::Direct {
            self.changes.clear();
        } else if let Some(log) = &mut self.log {
            log.start_run();
        }
        self.run_start = self.changes.len();
    }

    /// Undoes all that the latest run did, in the cells and in the log.
    pub(crate) fn rollback_run(&mut self) {
        self.undo_to(self.run_start);
        if self.mode != Mode::Direct
            && let Some(log) = &mut self.log
        {
            log.rollback_run();
        }
    }

    /// Whether the latest run of a direct transaction changed nothing.
    pub(crate) fn is_unchanged(&self) -> bool {
        self.changes.is_empty()
    }

    /// Whether the latest run named an entity that the call is not about. Such an operation reads
    /// as absent, changes nothing and is not logged; the run is not to be trusted.
    pub(crate) fn strayed(&self) -> bool {
        self.strayed
    }

    /// Whether the latest run asked a cell that all hosts share. One that did not has nothing to
    /// commit.
    pub(crate) fn shares(&self) -> bool {
        self.shares
    }

    /// Undoes all runs and empties the log, for another try at another time.
    pub(crate) fn restart(&mut self, now_us: u64) {
        self.undo_to(0);
        if let Some(log) = &mut self.log {
            log.restart(now_us);
        }
        self.mode = if self.mode == Mode::Direct { Mode::Direct } else { Mode::Logged };
        self.now_us = now_us;
        self.start_run();
    }

    /// Undoes all runs, takes the true values of the log's cells at `clock_us` over as known, and
    /// empties the log for another try. Where a value is not the one that was known, its expiry is
    /// not known either and taken to be `expires_us`. Returns the cells.
    pub(crate) fn refuse(&mut self, truth: &[Option<Value>], clock_us: u64, expires_us: u64) -> Vec<(usize, u32)> {
        self.undo_to(0);
        let cells = self.log.as_deref().map(|log| log.commit.cells.clone()).unwrap_or_default();
        for (&(entity, field), value) in cells.iter().zip(truth) {
            let known = &mut self.entities[entity].shared;
            let value = value.clone().map(CellValue::from);
            if known.get(field, clock_us) != value.as_ref() {
                known.set(field, value, expires_us);
            }
        }
        self.restart(self.now_us);
        cells
    }

    /// Whether what the store knew when it applied the log is just what the runs were told. If so
    /// the cells hold what the store now holds; if not, the runs must be repeated: see
    /// [`Self::begin_replay`].
    pub(crate) fn was_told(&self, seen: &[Seen]) -> bool {
        self.log.as_deref().is_some_and(|log| log.told() == seen)
    }

    /// Starts to repeat the runs of an applied log, in their order, on what the store knew.
    /// Afterwards the cells hold what the store now holds, and [`Self::replayed_alike`] tells
    /// whether the runs were the same.
    pub(crate) fn begin_replay(&mut self, seen: Vec<Seen>) {
        // Local cells are not pinned: their runs start again from where they were. Shared ones are
        // put right one by one, as the pins tell.
        while let Some(change) = self.changes.pop() {
            if change.scope == Scope::Local {
                self.undo(change);
            }
        }
        if let Some(log) = &mut self.log {
            log.begin_replay(seen);
            self.mode = Mode::Pinned;
        }
        self.start_run();
    }

    /// Whether the repeated runs issued the very operations of the log, which the contract demands
    /// of a policy.
    pub(crate) fn replayed_alike(&self) -> bool {
        self.log.as_deref().is_some_and(Log::replayed_alike)
    }

    fn undo_to(&mut self, length: usize) {
        while self.changes.len() > length
            && let Some(change) = self.changes.pop()
        {
            self.undo(change);
        }
    }

    fn undo(&mut self, change: Change) {
        cells_of(&mut self.entities[change.entity], change.scope).restore(change.slot, change.before);
    }

    /// Finds out whether the entity of `at` is one of the call's.
    fn knows(&mut self, at: CellId) -> bool {
        let known = (at.entity as usize) < self.entities.len();
        self.strayed |= !known;
        self.shares |= at.scope == Scope::Shared;
        known
    }

    /// The value at `at`, absent where it has expired.
    fn live(&self, at: CellId) -> Option<&CellValue> {
        let entity = &self.entities[at.entity as usize];
        let cells = if at.scope == Scope::Local { &entity.local } else { &entity.shared };
        cells.get(at.field, self.now_us)
    }

    /// Puts a value, or its absence, at `at`, in a way that can be undone.
    fn write(&mut self, at: CellId, value: Option<CellValue>, expires_us: u64) {
        let (value, expires_us) = value.map_or((CellValue::Number(0), 0), |value| (value, expires_us));
        let entity = at.entity as usize;
        let cells = cells_of(&mut self.entities[entity], at.scope);
        let slot = cells.slot(at.field).unwrap_or_else(|| cells.len());
        let before = cells.replace(slot, Cell { field: at.field, expires_us, value });
        self.changes.push(Change { entity, scope: at.scope, slot, before });
    }

    /// When the cell at `at` expires, if it is live.
    fn expires_us(&self, at: CellId) -> Option<u64> {
        let entity = &self.entities[at.entity as usize];
        let cells = if at.scope == Scope::Local { &entity.local } else { &entity.shared };
        cells.slot(at.field).map(|slot| cells.cell(slot).expires_us).filter(|expires_us| *expires_us > self.now_us)
    }

    /// The log, if the operation on `at` belongs into it.
    fn log_for(&mut self, at: CellId) -> Option<&mut Log> {
        let logged = self.mode == Mode::Logged && at.scope == Scope::Shared;
        self.log.as_deref_mut().filter(|_| logged)
    }

    /// The log, if the operation on `at` is pinned by it.
    fn pins_for(&mut self, at: CellId) -> Option<&mut Log> {
        let pinned = self.mode == Mode::Pinned && at.scope == Scope::Shared;
        self.log.as_deref_mut().filter(|_| pinned)
    }
}

fn cells_of(entity: &mut Entity, scope: Scope) -> &mut Cells {
    if scope == Scope::Local { &mut entity.local } else { &mut entity.shared }
}
