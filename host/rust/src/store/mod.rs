//! Stores: where the shared cells of entities live.
//!
//! A store knows no policy. It applies a [`Commit`], the log of one or more guest runs, whole or not at all. What
//! each operation means is written in `wit/kv.wit`; what a commit adds to that is the answer the run was given, so that
//! the store can tell whether the run still holds.

pub(crate) mod memory;
mod memory_store;
#[cfg(feature = "redis")]
pub mod redis;
#[cfg(feature = "testing")]
pub mod scripted;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

pub use self::memory::Memory;
pub use self::memory_store::MemoryStore;
use crate::key::EntityKey;

/// How far behind the store's clock a commit's time may be. Part of the contract: policies let cells outlive their use by it.
pub const MAX_LAG_US: u64 = 1_000_000;

/// The greatest number a cell can hold: Redis' scripts count in doubles. A step, floor or ceiling above it counts as it.
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
    /// The run moves a number forward, `repeat` times over, and was told the same verdict each time.
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
            Op::Put { .. } | Op::Retreat { .. } => true,
        })
    }
}

/// What the store knew when an operation was applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// For `Get` and `Put`: nothing that the run does not know.
    Nothing,
    /// For `Observe`: the true value.
    Value(Option<Value>),
    /// For `Advance`: `max(number or 0, floor)` before the first repetition. For `Retreat`: the new number.
    Number(u64),
}

/// What became of a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// All of it was applied; one entry for each operation.
    Applied(Vec<Seen>),
    /// Nothing was applied, because a run was told something that is not so. The true values, one for each cell.
    Refused(Vec<Option<Value>>),
    /// Nothing was applied, because the commit's time is ahead of the store's clock or more than [`MAX_LAG_US`] behind.
    Untimely,
}

/// The store's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// What became of the commit.
    pub outcome: Outcome,
    /// The store's clock in microseconds since 1970.
    pub clock_us: u64,
    /// Values found that are not ours (no number where one is needed, not text, too long) and were taken as absent.
    pub foreign: u64,
}

/// Why a store did not answer. Whether the commit was applied is not known, except where said.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// No answer within the time limit of one operation.
    #[error("the store did not answer within {limit_ms} ms")]
    TimedOut {
        /// The time limit in milliseconds.
        limit_ms: u64,
    },
    /// The store cannot be reached, or the connection broke.
    #[error("the store is away: {0}")]
    Away(String),
    /// The store answered with an error: no rights, out of memory, read-only. Nothing was applied.
    #[error("the store refused the commit: {0}")]
    Refused(String),
    /// The store holds as many entities as it may. Nothing was applied.
    #[error("the store is full: it holds {capacity} entities")]
    Full {
        /// The configured capacity.
        capacity: usize,
    },
}

/// A future that can be kept in a box.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Applies commits.
pub trait Store: Send + Sync + std::fmt::Debug {
    /// Applies a commit whole or not at all.
    fn commit<'a>(&'a self, commit: &'a Commit) -> BoxFuture<'a, Result<Reply, StoreError>>;

    /// The store's clock, in microseconds since 1970. Goes the way of every commit, so it also shows that commits get through.
    fn time_us(&self) -> BoxFuture<'_, Result<u64, StoreError>> {
        Box::pin(async { self.commit(&Commit::default()).await.map(|reply| reply.clock_us) })
    }

    /// How long one operation may take. The store ends it by then, in [`StoreError::TimedOut`], and no call on the store waits for
    /// longer, in whatever line. `None`: it answers at once, or it is waited for.
    fn limit(&self) -> Option<Duration> {
        None
    }

    /// Which part of the store an entity is in. Parts that may fail each by itself get a guard each; a store that fails as a whole
    /// has one part, 0.
    fn group(&self, _entity: &EntityKey) -> u32 {
        0
    }

    /// Whether one commit may be about all these entities. Otherwise each needs a commit of its own.
    fn is_atomic_over(&self, _entities: &[Arc<EntityKey>]) -> bool {
        true
    }
}
