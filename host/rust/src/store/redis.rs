//! The Redis store: cells shared by all hosts on one Redis or Valkey server or cluster.
//!
//! One commit is one call of one script, so it takes one round trip and is applied whole or not at
//! all. Commits of several entities that come at the same time share a call; what becomes of one
//! does not depend on the others. Needs Redis 6.2 or later, or Valkey. How keys look is told in
//! [`crate::key`]; every key expires.
//!
//! An ACL user needs no more than this:
//!
//! ```text
//! ACL SETUSER tidegate on >a-secret ~tidegate:* +evalsha +eval +script|load +time +mget +set +del +pttl +ping +info +client|setname
//! ```
//!
//! `tidegate:*` are the keys under the prefix. In a cluster it needs `+cluster|slots +asking` as
//! well. This host does without `+ping` (but not in a cluster), `+info` (but not behind Sentinels)
//! and `+client|setname`; those of other languages ask for them. A right that is missing is an
//! error that names it.
//!
//! In a cluster the clock is that of the node that an entity is on, and [`Store::time_us`] tells
//! any node's. Keep the nodes' clocks together; where they differ, commits at the time of another
//! node are untimely and the reply tells the right time.

mod builder;
mod connection;
mod env;
mod error;
mod link;
mod reply;
mod rights;
mod sender;
mod sentinels;
mod slot;
mod tcp;
mod urls;
mod wire;

use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use redis::cluster_routing::Slot;

pub use self::builder::{ConnectError, RedisBuilder};
pub use self::env::url_of_env;
use self::link::Link;
use self::sender::{MALFORMED, Sender};
use self::wire::Encoded;
use super::{BoxFuture, Commit, MAX_LAG_US, Reply, Store, StoreError};
use crate::away::listen;

/// How long after its timeout an answer may come that tells of a commit that was applied: the
/// script refuses one that is older.
const LATEST: Duration = Duration::from_micros(MAX_LAG_US);

/// The Redis store. See the [module](self).
///
/// All callers share one connection, which renews itself. No caller waits longer for an answer than
/// the timeout of one operation, whatever has become of the server. Must be used within a tokio
/// runtime with its I/O and time drivers.
///
/// ```no_run
/// # async fn example() -> Result<(), tidegate::store::redis::ConnectError> {
/// use tidegate::store::redis::Redis;
///
/// let store = Redis::connect("redis://127.0.0.1:6379").await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Redis {
    link: Arc<Link>,
    prefix: String,
    sender: Arc<Sender>,
    timeout: Duration,
}

impl Redis {
    /// Connects with the default settings. See [`RedisBuilder`] for them and for the URL.
    ///
    /// # Errors
    /// As [`RedisBuilder::connect`].
    pub async fn connect(url: &str) -> Result<Self, ConnectError> {
        Self::builder(url).connect().await
    }

    /// Settings for a store on the server at this URL.
    pub fn builder(url: &str) -> RedisBuilder {
        RedisBuilder::new(url)
    }

    async fn commit_within_limit(&self, commit: &Commit) -> Result<Reply, StoreError> {
        if self.link.is_cluster() {
            check_slots(commit)?;
        }
        let encoded = Encoded::new(commit, &self.prefix)?;
        let timed_out =
            StoreError::TimedOut { timeout_ms: u64::try_from(self.timeout.as_millis()).unwrap_or(u64::MAX) };
        let mut wire = match self.link.open_wire() {
            Some(wire) => wire,
            None => match listen(self.timeout, self.link.wire()).await {
                Some(wire) => wire?,
                None => return Err(timed_out),
            },
        };
        let (started, generation) = (Instant::now(), wire.generation());
        let result = {
            let mut sent = pin!(self.sender.send(&mut wire, encoded));
            match listen(self.timeout, sent.as_mut()).await {
                None => {
                    self.link.note_silence(generation, started);
                    listen(LATEST, sent).await
                }
                heard => heard,
            }
        };
        self.link.note(&wire, started, result.as_ref());
        let part = result.ok_or(timed_out)?.map_err(|error| error::store_error(&error))?;
        part.reply(commit).map_err(|fault| StoreError::Away(format!("{MALFORMED}: {fault}")))
    }
}

impl Store for Redis {
    fn commit<'a>(&'a self, commit: &'a Commit) -> BoxFuture<'a, Result<Reply, StoreError>> {
        Box::pin(self.commit_within_limit(commit))
    }

    fn timeout(&self) -> Option<Duration> {
        Some(self.timeout)
    }

    fn refused_attempts(&self) -> u32 {
        self.link.refused_attempts()
    }

    /// In a cluster, which 256 of its slots, counted from 0.
    fn shard(&self, entity: &crate::key::EntityKey) -> u32 {
        if self.link.is_cluster() { slot::shard(entity) } else { 0 }
    }

    fn outlives_processes(&self) -> bool {
        true
    }

    fn is_atomic_over(&self, entities: &[Arc<crate::key::EntityKey>]) -> bool {
        !self.link.is_cluster() || share_a_slot(entities)
    }
}

fn check_slots(commit: &Commit) -> Result<(), StoreError> {
    if share_a_slot(&commit.entities) {
        return Ok(());
    }
    Err(StoreError::Refused(format!(
        "the {} entities of the commit are in different slots of the cluster",
        commit.entities.len()
    )))
}

fn share_a_slot(entities: &[Arc<crate::key::EntityKey>]) -> bool {
    match entities {
        [] | [_] => true,
        [first, others @ ..] => {
            let slot = Slot::for_key(first.tag());
            others.iter().all(|other| Slot::for_key(other.tag()) == slot)
        }
    }
}
