//! Tries a part of the store.

use std::sync::Arc;

use super::watches::Watches;
use crate::key::EntityKey;
use crate::store::{Commit, Op, StoreError, Value};

/// How long what a probe writes lives, in milliseconds.
const TTL_MS: u64 = 1_000;
/// How many names are tried to find one in the part of the store that is probed. A cluster has 64
/// parts.
const MAX_NAMES: u32 = 16_384;

impl Watches {
    /// Does what a commit does: finds the part of the store, and writes. Only asking for the time
    /// would succeed on a replica, or on a server that is out of memory.
    pub(super) async fn write(&self, shard: u32) -> Result<(), StoreError> {
        let mut patience = self.patience();
        let heard = self.hear(patience.as_mut(), self.write_a_key(shard)).await;
        heard.unwrap_or_else(|| Err(self.timed_out()))
    }

    /// The error of an operation that was not answered in time.
    pub(crate) fn timed_out(&self) -> StoreError {
        let timeout = self.store.timeout().unwrap_or_default();
        StoreError::TimedOut { timeout_ms: u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX) }
    }

    async fn write_a_key(&self, shard: u32) -> Result<(), StoreError> {
        let entities = vec![Arc::new(self.name_in(shard))];
        let mut commit = Commit { at_us: 0, entities, cells: vec![(0, 0)], ops: vec![Op::Observe { cell: 0 }] };
        // Nothing is known of this store's clock. What is this old is untimely, and the reply tells
        // the time.
        commit.at_us = self.store.commit(&commit).await?.clock_us;
        commit.ops = vec![Op::Put { cell: 0, value: Some(Value::from("1")), ttl_ms: TTL_MS }];
        self.store.commit(&commit).await.map(drop)
    }

    /// An entity in this part of the store that is nobody's.
    fn name_in(&self, shard: u32) -> EntityKey {
        let mut names = (0..MAX_NAMES).map(|number| EntityKey::new("sg", "probe", &number.to_string()));
        let found = names.find(|name| self.is_in(name, shard));
        found.unwrap_or_else(|| EntityKey::new("sg", "probe", ""))
    }
}
