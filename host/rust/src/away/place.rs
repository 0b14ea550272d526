//! How many commits may be on their way to one part of the store.
//!
//! Whoever comes beyond that waits in this process, first come first served, and makes its commit
//! only when it is its turn. So a burst of calls on any number of keys never has the store take
//! longer for one of them than the time limit allows, their commits are made on what is known by
//! then, and the time of a call counts from when its commit is handed on.

use std::sync::Arc;

use super::guard::Guard;
use super::guards::Guards;
use crate::key::EntityKey;

/// How many commits are on their way together at most. A server needs some 5 us for each, and so
/// does this process where it has a processor to itself; where it has a tenth of one, all of them
/// are still heard well within the time limit.
pub(super) const PLACES: usize = 256;

/// The place of a commit on its way, until this is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    pub(super) guard: Arc<Guard>,
}

impl Guards {
    /// A place on the way to the part of the store that an entity is in, if one is free and nobody
    /// waits for it.
    pub(crate) fn free_place(&self, key: &EntityKey) -> Option<Place> {
        let guard = self.of(key);
        guard.places.try_acquire().ok()?.forget();
        Some(Place { guard })
    }

    /// Waits for a place on the way to the part of the store that an entity is in.
    pub(crate) async fn place(&self, key: &EntityKey) -> Place {
        self.place_at(self.of(key)).await
    }

    /// Waits for a place on the way to a part of the store.
    pub(super) async fn place_in(&self, group: u32) -> Place {
        self.place_at(self.of_group(group)).await
    }

    async fn place_at(&self, guard: Arc<Guard>) -> Place {
        // Never closed, so it is always given.
        if let Ok(permit) = guard.places.acquire().await {
            permit.forget();
        }
        Place { guard }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.guard.places.add_permits(1);
    }
}
