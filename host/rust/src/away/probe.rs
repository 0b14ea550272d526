//! Finds out in the background when the store is back, so that recovery needs no traffic.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::Duration;

use super::watch::{Outcome, Watch};
use super::watches::{Watches, outcome_of};
use crate::clock::Clock;
use crate::key::EntityKey;
use crate::store::{Commit, Op, StoreError, Value};

/// How long what a probe writes lives, in milliseconds.
const TTL_MS: u64 = 1_000;
/// How many names are tried to find one in the part of the store that is probed. A cluster has 64
/// parts.
const MAX_NAMES: u32 = 16_384;

/// Sees to it that a task probes this part of the store, until it is back.
pub(super) fn start(watches: &Arc<Watches>, watch: &Arc<Watch>) {
    let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
    if watch.state().is_out() && !watch.is_probed.swap(true, Ordering::AcqRel) {
        let (clock, watch) = (Arc::clone(&watches.clock), Arc::clone(watch));
        runtime.spawn(run(Probing { watches: Arc::downgrade(watches), clock, watch }));
    }
}

/// The task at work. Dropped with the task, finished or not, so that another can take its turn.
struct Probing {
    watches: Weak<Watches>,
    clock: Arc<dyn Clock>,
    watch: Arc<Watch>,
}

impl Drop for Probing {
    fn drop(&mut self) {
        self.watch.is_probed.store(false, Ordering::Release);
    }
}

async fn run(probing: Probing) {
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

impl Probing {
    /// Probes if it is time to. The pause until the next probe; `None`: no more are needed.
    async fn step(&self) -> Option<Duration> {
        let watches = self.watches.upgrade()?;
        let watch = &self.watch;
        if !watch.state().is_out() {
            return None;
        }
        let pass = match watch.admit(&watches.circuit) {
            Ok(pass) => pass,
            Err(refusal) => return Some(refusal.retry_after.max(Duration::from_millis(1))),
        };
        let tried = watches.try_out(watch.shard()).await;
        if let Err(error) = &tried {
            watch.settle(&watches.circuit, pass, outcome_of(error, &error.to_string(), 0));
        } else {
            watch.hear();
            watch.settle(&watches.circuit, pass, Outcome::Written);
        }
        let pause = watch.refusal(&watches.circuit).map_or(Duration::ZERO, |refusal| refusal.retry_after);
        Some(pause.max(Duration::from_millis(1)))
    }
}

impl Watches {
    /// Does what a commit does: finds the part of the store, and writes. Only asking for the time
    /// would succeed on a replica, or on a server that is out of memory.
    pub(super) async fn try_out(&self, shard: u32) -> Result<(), StoreError> {
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
