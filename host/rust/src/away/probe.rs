//! Finds out in the background when the store is back, so that recovery needs no traffic.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::Duration;

use super::watch::{Circuit, Outcome, Watch};
use crate::clock::Clock;
use crate::store::{BoxFuture, StoreError};

/// Tries the store.
pub(super) trait TryOut: Send + Sync + 'static {
    /// What its watches have in common.
    fn circuit(&self) -> &Circuit;
    /// By which it tells the time.
    fn clock(&self) -> &Arc<dyn Clock>;
    /// Does in a part of the store what a commit does.
    fn try_out(&self, shard: u32) -> BoxFuture<'_, Result<(), StoreError>>;
}

/// Sees to it that a task probes this part of the store, until it is back.
pub(super) fn start<W: TryOut>(watches: &Arc<W>, watch: &Arc<Watch>) {
    let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
    if watch.state().is_out() && !watch.is_probed.swap(true, Ordering::AcqRel) {
        let (clock, watch) = (Arc::clone(watches.clock()), Arc::clone(watch));
        runtime.spawn(run(Probing { watches: Arc::downgrade(watches), clock, watch }));
    }
}

/// The task at work. Dropped with the task, finished or not, so that another can take its turn.
struct Probing<W> {
    watches: Weak<W>,
    clock: Arc<dyn Clock>,
    watch: Arc<Watch>,
}

impl<W> Drop for Probing<W> {
    fn drop(&mut self) {
        self.watch.is_probed.store(false, Ordering::Release);
    }
}

async fn run<W: TryOut>(probing: Probing<W>) {
    while let Some(pause) = probing.step().await {
        probing.clock.sleep(pause).await;
    }
    let (watches, watch) = (probing.watches.clone(), Arc::clone(&probing.watch));
    drop(probing);
    // It may have gone away again while this task was taking its leave.
    if let Some(watches) = watches.upgrade() {
        start(&watches, &watch);
    }
}

impl<W: TryOut> Probing<W> {
    /// Probes if it is time to. The pause until the next probe; `None`: no more are needed.
    async fn step(&self) -> Option<Duration> {
        let watches = self.watches.upgrade()?;
        let watch = &self.watch;
        if !watch.state().is_out() {
            return None;
        }
        let pass = match watch.admit(watches.circuit()) {
            Ok(pass) => pass,
            Err(refusal) => return Some(refusal.retry_after.max(Duration::from_millis(1))),
        };
        let tried = watches.try_out(watch.shard()).await;
        if let Err(error) = &tried {
            watch.settle(watches.circuit(), pass, Outcome::of(error, &error.to_string(), 0));
        } else {
            watch.hear();
            watch.settle(watches.circuit(), pass, Outcome::Written);
        }
        let pause = watch.refusal(watches.circuit()).map_or(Duration::ZERO, |refusal| refusal.retry_after);
        Some(pause.max(Duration::from_millis(1)))
    }
}
