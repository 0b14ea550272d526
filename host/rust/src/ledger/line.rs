//! How many callers wait for the store in this process.
//!
//! They wait for as long as the store answers others: that is this process's own time, and not the
//! store's. What bounds their number is no outage of the store either, so it ends in an error of
//! its own.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::Ledger;
use crate::error::Error;

/// A caller who waits, until this is dropped.
pub(super) struct Waiting(Arc<Ledger>);

impl Ledger {
    /// # Errors
    /// [`Error::Overloaded`]: too many wait already.
    pub(super) fn join_the_line(self: &Arc<Self>) -> Result<Waiting, Error> {
        let (waiting, max_waiting) = (self.waiting.fetch_add(1, Ordering::Relaxed), self.options.max_waiting);
        let joined = Waiting(Arc::clone(self));
        if waiting < max_waiting { Ok(joined) } else { Err(Error::Overloaded { waiting, max_waiting }) }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}
