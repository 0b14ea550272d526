//! Who waits for an answer.

use parking_lot::Mutex;
use tokio::sync::oneshot;

use crate::call::Answer;
use crate::error::Error;

/// A caller who waits. One whose time is over is told so, and is not there any more when the answer
/// comes.
#[derive(Debug)]
pub(super) struct Caller(Mutex<Option<oneshot::Sender<Result<Answer, Error>>>>);

impl Caller {
    pub(super) fn new(sender: oneshot::Sender<Result<Answer, Error>>) -> Self {
        Self(Mutex::new(Some(sender)))
    }

    /// Gives the answer; back, if nobody is there to hear it.
    pub(super) fn send(self, answer: Result<Answer, Error>) -> Result<(), Result<Answer, Error>> {
        match self.0.into_inner() {
            Some(sender) => sender.send(answer),
            None => Err(answer),
        }
    }

    /// Its time is over.
    pub(super) fn give_up(&self, error: Error) {
        if let Some(sender) = self.0.lock().take() {
            // It may have gone away by itself.
            let _ = sender.send(Err(error));
        }
    }
}
