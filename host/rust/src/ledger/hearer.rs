//! Who waits for an answer, and for how long.

use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::oneshot;

use crate::call::Answer;
use crate::error::Error;
use crate::store::StoreError;

/// A caller who waits until a time. One whose time is over is told so, and is not there any more when the answer comes.
#[derive(Debug)]
pub(super) struct Hearer {
    sender: Mutex<Option<oneshot::Sender<Result<Answer, Error>>>>,
    due_us: u64,
}

impl Hearer {
    /// Waits until `due_us` on the steady clock; `u64::MAX`: as long as it takes.
    pub(super) fn new(sender: oneshot::Sender<Result<Answer, Error>>, due_us: u64) -> Self {
        Self { sender: Mutex::new(Some(sender)), due_us }
    }

    pub(super) fn due_us(&self) -> u64 {
        self.due_us
    }

    /// Gives the answer; back, if nobody is there to hear it.
    pub(super) fn send(self, answer: Result<Answer, Error>) -> Result<(), Result<Answer, Error>> {
        match self.sender.into_inner() {
            Some(sender) => sender.send(answer),
            None => Err(answer),
        }
    }

    /// Whether it still waits.
    pub(super) fn waits(&self) -> bool {
        self.sender.lock().is_some()
    }

    /// Its time is over.
    pub(super) fn give_up(&self, limit: Duration) {
        if let Some(sender) = self.sender.lock().take() {
            let limit_ms = u64::try_from(limit.as_millis()).unwrap_or(u64::MAX);
            // It may have gone away by itself.
            let _ = sender.send(Err(StoreError::TimedOut { limit_ms }.into()));
        }
    }
}
