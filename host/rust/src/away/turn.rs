//! How many commits may be on their way to one part of the store.
//!
//! Whoever comes beyond that waits in this process, first come first served, and makes its commit
//! only when it is its turn. So a burst of calls on any number of keys never has the store take
//! longer for one of them than the timeout allows, their commits are made on what is known by
//! then, and the time of a call counts from when its commit is handed on.

use std::sync::Arc;

use super::watch::Watch;

/// The turn of a commit on its way, until this is dropped.
#[derive(Debug)]
pub(crate) struct Turn {
    pub(super) watch: Arc<Watch>,
}

impl Turn {
    /// A turn on the way to a part of the store, if one is free and nobody waits for it.
    pub(super) fn free(watch: Arc<Watch>) -> Option<Self> {
        watch.turns.try_acquire().ok()?.forget();
        Some(Self { watch })
    }

    /// Waits for a turn on the way to a part of the store.
    pub(super) async fn wait(watch: Arc<Watch>) -> Self {
        // Never closed, so it is always given.
        if let Ok(permit) = watch.turns.acquire().await {
            permit.forget();
        }
        Self { watch }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.watch.turns.add_permits(1);
    }
}
