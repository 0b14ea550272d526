//! Waits for the store.

use std::sync::Arc;
use std::time::Duration;

use super::watches::Watches;
use crate::store::StoreError;

/// After this time it is tried again.
const PAUSE: Duration = Duration::from_millis(50);

impl Watches {
    /// Waits until the store does what a commit does, until the timeout at most.
    ///
    /// # Errors
    /// What it last failed with.
    pub(crate) async fn ready(self: &Arc<Self>, timeout: Duration) -> Result<(), StoreError> {
        let timeout_ms = u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX);
        let mut trouble = StoreError::TimedOut { timeout_ms };
        tokio::select! {
            biased;
            () = self.try_until_ready(&mut trouble) => return Ok(()),
            () = self.clock.sleep(timeout) => {}
        }
        Err(trouble)
    }

    async fn try_until_ready(self: &Arc<Self>, trouble: &mut StoreError) {
        loop {
            let pause = match self.try_once().await {
                Ok(()) => return,
                Err((error, pause)) => {
                    *trouble = error;
                    pause
                }
            };
            self.clock.sleep(pause).await;
        }
    }

    /// Tries the store, unless the watch has found out already that it is away. With the error
    /// comes how long to wait.
    async fn try_once(self: &Arc<Self>) -> Result<(), (StoreError, Duration)> {
        let turn = self.turn_in(0).await;
        let watch = Arc::clone(&turn.watch);
        let passage = match self.admit(turn) {
            Ok(passage) => passage,
            Err(error) => {
                let refusal = watch.refusal(&self.circuit);
                return Err((error, refusal.map_or(PAUSE, |refusal| refusal.retry_after)));
            }
        };
        match self.write(watch.shard()).await {
            Ok(()) => {
                passage.written();
                Ok(())
            }
            Err(error) => {
                passage.failed(&error);
                Err((error, PAUSE))
            }
        }
    }
}
