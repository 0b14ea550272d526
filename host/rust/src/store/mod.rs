//! Stores: where the shared cells of entities live.
//!
//! A store knows no policy. It applies a [`Commit`], the log of one or more guest runs, whole or
//! not at all. What each operation means is written in `wit/kv.wit`; what a commit adds to that is
//! the answer the run was given, so that the store can tell whether the run still holds.

mod commit;
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

pub use self::commit::{CellIndex, Commit, MAX_LAG_US, MAX_NUMBER, Op, Outcome, Reply, Seen, Value};
pub use self::memory::{Forgotten, Memory, MemoryBuilder, WhenFull};
pub use self::memory_store::MemoryStore;
use crate::key::EntityKey;

/// Why a store did not answer. Whether the commit was applied is not known, except where said.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// No answer within the timeout of one operation.
    #[error("the store did not answer within {timeout_ms} ms")]
    TimedOut {
        /// The timeout in milliseconds.
        timeout_ms: u64,
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

impl StoreError {
    /// Whether the store did not answer: it was silent, or cannot be reached. One that refused, or
    /// is full, did.
    pub fn is_away(&self) -> bool {
        matches!(self, Self::TimedOut { .. } | Self::Away(_))
    }

    /// Why, in a word: `timed-out`, `away`, `refused` or `full`.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::TimedOut { .. } => "timed-out",
            Self::Away(_) => "away",
            Self::Refused(_) => "refused",
            Self::Full { .. } => "full",
        }
    }
}

/// A future that can be kept in a box.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Applies commits.
pub trait Store: Send + Sync + std::fmt::Debug {
    /// Applies a commit whole or not at all.
    fn commit<'a>(&'a self, commit: &'a Commit) -> BoxFuture<'a, Result<Reply, StoreError>>;

    /// The store's clock, in microseconds since 1970. Goes the way of every commit, so it also
    /// shows that commits get through.
    fn time_us(&self) -> BoxFuture<'_, Result<u64, StoreError>> {
        Box::pin(async { self.commit(&Commit::default()).await.map(|reply| reply.clock_us) })
    }

    /// How long an operation may take, from when it was begun. Callers are told by then that it did
    /// not answer. The store may go on with it for as long as an answer can come: what it does too
    /// late is taken back. `None`: it answers at once, or it is waited for.
    fn timeout(&self) -> Option<Duration> {
        None
    }

    /// How many attempts to connect in a row it has refused so far, if it cannot be reached; 0
    /// otherwise, or where that is not known. Each counts as a failure that was found out by
    /// itself, so that nobody needs to ask a server that is not there.
    fn refused_attempts(&self) -> u32 {
        0
    }

    /// Which part of the store an entity is in. Parts that may fail each by itself get a watch
    /// each; a store that fails as a whole has one part, 0.
    fn shard(&self, _entity: &EntityKey) -> u32 {
        0
    }

    /// Whether other processes use it, too, and find what this one has left there.
    fn outlives_processes(&self) -> bool {
        false
    }

    /// Whether one commit may be about all these entities. Otherwise each needs a commit of its
    /// own.
    fn is_atomic_over(&self, _entities: &[Arc<EntityKey>]) -> bool {
        true
    }
}
