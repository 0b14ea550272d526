//! How many commits may be on their way to one part of the store.
//!
//! Whoever comes beyond that waits in this process, first come first served, and makes its commit
//! only when it is its turn. So a burst of calls on any number of keys never has the store take
//! longer for one of them than the timeout allows, their commits are made on what is known by
//! then, and the time of a call counts from when its commit is handed on.

use std::sync::Arc;

use super::watch::Watch;
use super::watches::Watches;
use crate::key::EntityKey;

/// How many commits are on their way together at most. A server needs some 5 us for each, and so
/// does this process where it has a processor to itself; where it has a tenth of one, all of them
/// are still heard well within the timeout.
pub(super) const TURNS: usize = 256;

/// The turn of a commit on its way, until this is dropped.
#[derive(Debug)]
pub(crate) struct Turn {
    pub(super) watch: Arc<Watch>,
}

impl Watches {
    /// A turn on the way to the part of the store that an entity is in, if one is free and nobody
    /// waits for it.
    pub(crate) fn free_turn(&self, key: &EntityKey) -> Option<Turn> {
        let watch = self.of(key);
        watch.turns.try_acquire().ok()?.forget();
        Some(Turn { watch })
    }

    /// Waits for a turn on the way to the part of the store that an entity is in.
    pub(crate) async fn turn(&self, key: &EntityKey) -> Turn {
        self.turn_at(self.of(key)).await
    }

    /// Waits for a turn on the way to a part of the store.
    pub(super) async fn turn_in(&self, shard: u32) -> Turn {
        self.turn_at(self.of_shard(shard)).await
    }

    async fn turn_at(&self, watch: Arc<Watch>) -> Turn {
        // Never closed, so it is always given.
        if let Ok(permit) = watch.turns.acquire().await {
            permit.forget();
        }
        Turn { watch }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.watch.turns.add_permits(1);
    }
}
