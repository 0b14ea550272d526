//! Finds out in the background when the store is back, so that recovery needs no traffic.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::Duration;

use super::guard::{Guard, Outcome};
use super::guards::{Guards, outcome_of};
use crate::clock::Clock;
use crate::key::EntityKey;
use crate::store::{Commit, Op, StoreError, Value};

/// How long what a probe writes lives, in milliseconds.
const TTL_MS: u64 = 1_000;
/// How many names are tried to find one in the part of the store that is probed. A cluster has 64
/// parts.
const MAX_NAMES: u32 = 16_384;

/// Sees to it that a task probes this part of the store, until it is back.
pub(super) fn start(guards: &Arc<Guards>, guard: &Arc<Guard>) {
    let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
    if guard.state().is_out() && !guard.is_probed.swap(true, Ordering::AcqRel) {
        let (clock, guard) = (Arc::clone(&guards.clock), Arc::clone(guard));
        runtime.spawn(run(Probing { guards: Arc::downgrade(guards), clock, guard }));
    }
}

/// The task at work. Dropped with the task, finished or not, so that another can take its place.
struct Probing {
    guards: Weak<Guards>,
    clock: Arc<dyn Clock>,
    guard: Arc<Guard>,
}

impl Drop for Probing {
    fn drop(&mut self) {
        self.guard.is_probed.store(false, Ordering::Release);
    }
}

async fn run(probing: Probing) {
    while let Some(pause) = probing.step().await {
        probing.clock.sleep(pause).await;
    }
    let (guards, guard) = (probing.guards.clone(), Arc::clone(&probing.guard));
    drop(probing);
    // It may have gone away again while this task was taking its leave.
    if let Some(guards) = guards.upgrade() {
        start(&guards, &guard);
    }
}

impl Probing {
    /// Probes if it is time to. The pause until the next probe; `None`: no more are needed.
    async fn step(&self) -> Option<Duration> {
        let guards = self.guards.upgrade()?;
        let guard = &self.guard;
        if !guard.state().is_out() {
            return None;
        }
        let pass = match guard.admit(&guards.circuit) {
            Ok(pass) => pass,
            Err(refusal) => return Some(refusal.retry_after.max(Duration::from_millis(1))),
        };
        let tried = guards.try_out(guard.group()).await;
        if let Err(error) = &tried {
            guard.settle(&guards.circuit, pass, outcome_of(error, &error.to_string(), 0));
        } else {
            guard.hear();
            guard.settle(&guards.circuit, pass, Outcome::Written);
        }
        let pause = guard.refusal(&guards.circuit).map_or(Duration::ZERO, |refusal| refusal.retry_after);
        Some(pause.max(Duration::from_millis(1)))
    }
}

impl Guards {
    /// Does what a commit does: finds the part of the store, and writes. Only asking for the time
    /// would succeed on a replica, or on a server that is out of memory.
    pub(super) async fn try_out(&self, group: u32) -> Result<(), StoreError> {
        let mut patience = self.patience();
        let heard = self.hear(patience.as_mut(), self.write_a_key(group)).await;
        heard.unwrap_or_else(|| Err(self.timed_out()))
    }

    /// The error of an operation that was not answered in time.
    pub(crate) fn timed_out(&self) -> StoreError {
        let limit = self.store.limit().unwrap_or_default();
        StoreError::TimedOut { limit_ms: u64::try_from(limit.as_millis()).unwrap_or(u64::MAX) }
    }

    async fn write_a_key(&self, group: u32) -> Result<(), StoreError> {
        let entities = vec![Arc::new(self.name_in(group))];
        let mut commit = Commit { at_us: 0, entities, cells: vec![(0, 0)], ops: vec![Op::Observe { cell: 0 }] };
        // Nothing is known of this store's clock. What is this old is untimely, and the reply tells
        // the time.
        commit.at_us = self.store.commit(&commit).await?.clock_us;
        commit.ops = vec![Op::Put { cell: 0, value: Some(Value::from("1")), ttl_ms: TTL_MS }];
        self.store.commit(&commit).await.map(drop)
    }

    /// An entity in this part of the store that is nobody's.
    fn name_in(&self, group: u32) -> EntityKey {
        let mut names = (0..MAX_NAMES).map(|number| EntityKey::new("sg", "probe", &number.to_string()));
        let found = names.find(|name| self.is_in(name, group));
        found.unwrap_or_else(|| EntityKey::new("sg", "probe", ""))
    }
}
