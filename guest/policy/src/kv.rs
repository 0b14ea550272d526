//! What a policy may know and change of the world: a clock and the cells of an entity.
//!
//! The semantics are those of `wit/kv.wit`, and every rule written there holds here: verdicts and
//! values read by [`Kv::get`] may steer a policy, numbers of shared cells and values from
//! [`Kv::observe`] may only shape its reply.

use alloc::string::String;

/// Hosts refuse to commit at a time further than this behind the store's clock. A cell must outlive
/// its use by that much.
pub const MAX_LAG_MS: u64 = 1_000;

/// The greatest number a cell can hold: Redis' scripts count in doubles.
pub const MAX_NUMBER: u64 = 1 << 53;

/// Who shares a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// One copy for all hosts on the store.
    Shared,
    /// One copy for each host process.
    Local,
}

/// One value of an entity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cell {
    /// Which entity of this call, counted from 0.
    pub entity: u32,
    /// Which cell of the entity.
    pub field: u32,
    /// Who shares it.
    pub scope: Scope,
}

impl Cell {
    /// A cell that all hosts share.
    pub const fn shared(entity: u32, field: u32) -> Self {
        Self { entity, field, scope: Scope::Shared }
    }

    /// A cell of this host's own.
    pub const fn local(entity: u32, field: u32) -> Self {
        Self { entity, field, scope: Scope::Local }
    }
}

/// The cells of a transaction.
pub trait Kv {
    /// The value at a cell, validated at the commit.
    fn get(&mut self, at: Cell) -> Option<String>;
    /// The value at a cell, not validated: it may shape the reply only.
    fn observe(&mut self, at: Cell) -> Option<String>;
    /// Replaces the value; `None` deletes it.
    fn put(&mut self, at: Cell, value: Option<&str>, ttl_ms: u64);
    /// Moves a number forward by `step`, starting no earlier than `floor`, unless that would pass
    /// `ceiling`.
    ///
    /// # Errors
    /// The number that stood in the way; nothing changed.
    fn advance(&mut self, at: Cell, step: u64, floor: u64, ceiling: u64, ttl_ms: u64) -> Result<u64, u64>;
    /// Moves a number back by `step`, not below `floor`, and returns it.
    fn retreat(&mut self, at: Cell, step: u64, floor: u64) -> u64;
    /// Moves a number up to `to` where that is greater, and returns it.
    fn raise(&mut self, at: Cell, to: u64, ttl_ms: u64) -> u64;
    /// For how long this call has been tried in vain, because other hosts changed what its runs had
    /// read.
    fn refused_ms(&mut self) -> u32;
}

/// The clock of a transaction: the same instant for as long as it lasts.
pub trait Clock {
    /// Microseconds since 1970.
    fn now_us(&mut self) -> u64;
}
