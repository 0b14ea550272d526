//! How many callers wait for the store in this process.
//!
//! They wait for as long as the store answers others: that is this process's own time, and not the
//! store's. What bounds their number is no outage of the store either, so it ends in an error of
//! its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::error::Error;

/// Callers who wait, in all lanes.
#[derive(Debug)]
pub(super) struct Backlog {
    waiting: AtomicUsize,
    max_waiting: usize,
}

/// One who waits. Dropped, it waits no more.
pub(super) struct Waiting(Arc<Backlog>);

impl Backlog {
    pub(super) fn new(max_waiting: usize) -> Self {
        Self { waiting: AtomicUsize::new(0), max_waiting }
    }

    /// One more waits.
    ///
    /// # Errors
    /// [`Error::Overloaded`] where too many do.
    pub(super) fn join(self: &Arc<Self>) -> Result<Waiting, Error> {
        let (waiting, max_waiting) = (self.waiting.fetch_add(1, Ordering::Relaxed), self.max_waiting);
        let joined = Waiting(Arc::clone(self));
        if waiting < max_waiting { Ok(joined) } else { Err(Error::Overloaded { waiting, max_waiting }) }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}
