//! Commits, and what becomes of them: what goes between a ledger and any store.
//!
//! Nothing of a host is in here but keys, so that the fuzzer can read replies without building one.

use std::sync::Arc;

use crate::key::EntityKey;

/// How far behind the store's clock a commit's time may be. Part of the contract: policies let
/// cells outlive their use by it.
pub const MAX_LAG_US: u64 = 1_000_000;

/// The greatest number a cell can hold: Redis' scripts count in doubles. A step, floor or ceiling
/// above it counts as it.
pub const MAX_NUMBER: u64 = 1 << 53;

/// A cell's value. Numbers are canonical decimal text.
pub type Value = Arc<str>;

/// Which cell an operation is about: an index into [`Commit::cells`].
pub type CellIndex = usize;

/// One operation of a run, with the answer that the run was given where the answer matters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Op {
    /// The run read `expected`; another value refuses the commit.
    Get {
        /// The cell.
        cell: CellIndex,
        /// What the run was told.
        expected: Option<Value>,
    },
    /// The run looked at a value that may be another by now.
    Observe {
        /// The cell.
        cell: CellIndex,
    },
    /// The run replaces a value.
    Put {
        /// The cell.
        cell: CellIndex,
        /// The new value; `None` deletes.
        value: Option<Value>,
        /// Milliseconds until it expires.
        ttl_ms: u64,
    },
    /// The run moves a number forward, `repeat` times over, and was told the same verdict each
    /// time.
    Advance {
        /// The cell.
        cell: CellIndex,
        /// By how much.
        step: u64,
        /// From where at least.
        floor: u64,
        /// To where at most.
        ceiling: u64,
        /// Milliseconds until it expires.
        ttl_ms: u64,
        /// The verdict of every repetition; another refuses the commit.
        fits: bool,
        /// How many runs in a row asked for just this; at least 1.
        repeat: u64,
    },
    /// The run moves a number back.
    Retreat {
        /// The cell.
        cell: CellIndex,
        /// By how much.
        step: u64,
        /// To where at least.
        floor: u64,
    },
    /// The run moves a number up.
    Raise {
        /// The cell.
        cell: CellIndex,
        /// To where at least.
        to: u64,
        /// Milliseconds until it expires, if it was moved.
        ttl_ms: u64,
    },
}

/// The log of one or more runs at one time.
#[derive(Debug, Clone, Default)]
pub struct Commit {
    /// The time of the runs, in microseconds since 1970 on the store's clock.
    pub at_us: u64,
    /// The entities that the runs are about.
    pub entities: Vec<Arc<EntityKey>>,
    /// The cells that the operations touch: (index into `entities`, field). No cell twice.
    pub cells: Vec<(usize, u32)>,
    /// The operations, in order.
    pub ops: Vec<Op>,
}

impl Commit {
    /// Whether it changes anything.
    pub fn changes(&self) -> bool {
        self.ops.iter().any(|op| match op {
            Op::Get { .. } | Op::Observe { .. } => false,
            Op::Advance { step, fits, .. } => *fits && *step > 0,
            Op::Put { .. } | Op::Retreat { .. } | Op::Raise { .. } => true,
        })
    }

    /// Whether it changes nothing and touches no other cells than these.
    pub fn reads_only(&self, cells: &[(usize, u32)]) -> bool {
        !self.changes() && self.cells.iter().all(|cell| cells.contains(cell))
    }
}

/// What the store knew when an operation was applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// For `Get` and `Put`: nothing that the run does not know.
    Nothing,
    /// For `Observe`: the true value.
    Value(Option<Value>),
    /// For `Advance`: `max(number or 0, floor)` before the first repetition. For `Retreat` and
    /// `Raise`: the new number.
    Number(u64),
}

/// What became of a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// All of it was applied; one entry for each operation.
    Applied(Vec<Seen>),
    /// Nothing was applied, because a run was told something that is not so. The true values, one
    /// for each cell.
    Refused(Vec<Option<Value>>),
    /// Nothing was applied, because the commit's time is ahead of the store's clock or more than
    /// [`MAX_LAG_US`] behind.
    Untimely,
}

/// The store's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// What became of the commit.
    pub outcome: Outcome,
    /// The store's clock in microseconds since 1970.
    pub clock_us: u64,
    /// Values found that are not ours (no number where one is needed, not text, too long) and were
    /// taken as absent.
    pub foreign: u64,
}
