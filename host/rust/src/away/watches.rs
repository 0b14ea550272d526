//! The watches round all parts of the store.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::RwLock;
use tokio::sync::watch;

use super::changes::StoreChanges;
use super::probe::{self, TryOut};
use super::settings::Options;
use super::state::StoreState;
use super::steady::Steady;
use super::turn::Turn;
use super::watch::{Circuit, Outages, Outcome, Pass, Refusal, Watch};
use crate::clock::Clock;
use crate::error::{Error, Problem};
use crate::key::EntityKey;
use crate::runtime::{OpenError, Runtime};
use crate::store::{BoxFuture, Memory, Store, StoreError};

/// How many parts of a store get a watch of their own. More share them.
const MAX_SHARDS: u32 = 1_024;
/// How long a probe has for its outcome, in milliseconds, beyond what the store may take.
const PROBE_SLACK_MS: u64 = 1_000;

/// The watches of a gate.
#[derive(Debug)]
pub(crate) struct Watches {
    pub(super) circuit: Circuit,
    pub(super) store: Arc<dyn Store>,
    pub(super) clock: Arc<dyn Clock>,
    is_on: bool,
    /// The watch of shard 0, which is the only one unless the store is a cluster.
    first: Arc<Watch>,
    others: RwLock<BTreeMap<u32, Arc<Watch>>>,
    refused: AtomicU64,
}

impl TryOut for Watches {
    fn circuit(&self) -> &Circuit {
        &self.circuit
    }

    fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    fn try_out(&self, shard: u32) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(self.write(shard))
    }
}

impl Watches {
    /// # Errors
    /// [`Error::Config`] for wrong settings of the watch.
    pub(crate) fn open(
        runtime: &Arc<Runtime>,
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        options: Options,
    ) -> Result<Arc<Self>, Error> {
        let timeout_ms =
            store.timeout().map_or(0, |timeout| u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX / 4));
        let config = options.watch.unwrap_or_default().circuit(2 * timeout_ms + PROBE_SLACK_MS);
        let policy = runtime.open_policy(config.to_wit()).map_err(named)?;
        let circuit = Circuit {
            runtime: Arc::clone(runtime),
            policy,
            memory: Memory::with_capacity(usize::MAX),
            steady: Arc::new(Steady::new(Arc::clone(&clock))),
            changes: StoreChanges::new(options.listeners),
            troubled: AtomicUsize::new(0),
            outages: Outages::default(),
        };
        let (is_on, first) = (options.watch.is_some(), Arc::new(Watch::new(0)));
        let (others, refused) = (RwLock::default(), AtomicU64::new(0));
        Ok(Arc::new(Self { circuit, store, clock, is_on, first, others, refused }))
    }

    /// A turn on the way to the part of the store that an entity is in, if one is free and nobody
    /// waits for it.
    pub(crate) fn free_turn(&self, key: &EntityKey) -> Option<Turn> {
        Turn::free(self.of(key))
    }

    /// Waits for a turn on the way to the part of the store that an entity is in.
    pub(crate) async fn turn(&self, key: &EntityKey) -> Turn {
        Turn::wait(self.of(key)).await
    }

    /// Waits for a turn on the way to a part of the store.
    pub(super) async fn turn_in(&self, shard: u32) -> Turn {
        Turn::wait(self.of_shard(shard)).await
    }

    /// The clock that watches and timeouts go by.
    pub(crate) fn steady(&self) -> &Arc<Steady> {
        &self.circuit.steady
    }

    /// Lets a batch of calls that has a turn through to the store, or says why not.
    pub(crate) fn admit(self: &Arc<Self>, turn: Turn) -> Result<Passage<'_>, StoreError> {
        match turn.watch.admit(&self.circuit) {
            Ok(pass) => Ok(Passage { watches: self, turn, pass: Some(pass) }),
            Err(refusal) => Err(self.refused(&turn.watch, &refusal)),
        }
    }

    /// The error of a call that is sure to be turned away.
    pub(crate) fn refusal(self: &Arc<Self>, key: &EntityKey) -> Option<StoreError> {
        if self.circuit.troubled.load(Ordering::Acquire) == 0 {
            return None;
        }
        let watch = self.of(key);
        watch.refusal(&self.circuit).map(|refusal| self.refused(&watch, &refusal))
    }

    /// How long until the store is tried again; zero where it is asked now.
    pub(crate) fn retry_after(&self, key: &EntityKey) -> Duration {
        self.of(key).refusal(&self.circuit).map_or(Duration::ZERO, |refusal| refusal.retry_after)
    }

    /// Whether calls on an entity are let through.
    pub(crate) fn is_available(&self, key: &EntityKey) -> bool {
        !self.of(key).state().is_out()
    }

    /// The worst state of any part of the store.
    pub(crate) fn state(&self) -> StoreState {
        let others = self.others.read();
        others.values().map(|watch| watch.state()).max().unwrap_or(StoreState::Unknown).max(self.first.state())
    }

    /// How often all of the store has come back.
    pub(crate) fn returns(&self) -> u64 {
        self.circuit.outages.returns()
    }

    /// Sees every later change of state.
    pub(crate) fn subscribe(&self) -> watch::Receiver<u64> {
        self.circuit.changes.subscribe()
    }

    /// How many calls and batches were turned away.
    pub(crate) fn refused_count(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    fn refused(self: &Arc<Self>, watch: &Arc<Watch>, refusal: &Refusal) -> StoreError {
        self.refused.fetch_add(1, Ordering::Relaxed);
        // The task is gone where its runtime has ended; this caller's goes on.
        probe::start(self, watch);
        StoreError::Away(format!("the store watch is open: {}", refusal.trouble))
    }

    /// Whether an entity is in this part of the store.
    pub(super) fn is_in(&self, key: &EntityKey, shard: u32) -> bool {
        self.store.shard(key) % MAX_SHARDS == shard
    }

    pub(super) fn of(&self, key: &EntityKey) -> Arc<Watch> {
        self.of_shard(self.store.shard(key) % MAX_SHARDS)
    }

    pub(super) fn of_shard(&self, shard: u32) -> Arc<Watch> {
        if shard == 0 {
            return Arc::clone(&self.first);
        }
        if let Some(watch) = self.others.read().get(&shard) {
            return Arc::clone(watch);
        }
        Arc::clone(self.others.write().entry(shard).or_insert_with(|| Arc::new(Watch::new(shard))))
    }
}

/// A batch that was let through. Dropped without an outcome, it counts as nothing.
#[derive(Debug)]
pub(crate) struct Passage<'a> {
    watches: &'a Arc<Watches>,
    turn: Turn,
    pass: Option<Pass>,
}

impl Passage<'_> {
    /// The store has written.
    pub(crate) fn written(mut self) {
        self.settle(Outcome::Written);
    }

    /// The store has read, and was not asked to write.
    pub(crate) fn read(mut self) {
        self.settle(Outcome::Read);
    }

    /// The store failed.
    pub(crate) fn failed(mut self, error: &StoreError) {
        let words = error.to_string();
        let refused = self.watches.store.refused_attempts();
        self.settle(Outcome::of(error, &words, refused));
    }

    fn settle(&mut self, outcome: Outcome<'_>) {
        let watch = &self.turn.watch;
        if matches!(outcome, Outcome::Written | Outcome::Read) {
            watch.hear();
        }
        let Some(pass) = self.pass.take().filter(|_| self.watches.is_on) else { return };
        watch.settle(&self.watches.circuit, pass, outcome);
        if outcome.is_failure() && watch.state() == StoreState::Away {
            probe::start(self.watches, watch);
        }
    }
}

impl Drop for Passage<'_> {
    fn drop(&mut self) {
        self.settle(Outcome::Unknown);
    }
}

/// What is wrong with the settings, by the names that they have here.
fn named(error: OpenError) -> Error {
    let mut error = Error::of_settings("the gate", error);
    if let Error::Config { problems, .. } = &mut error {
        for Problem { path, .. } in problems {
            let name = match &**path {
                "trip.consecutive" => "failures",
                "backoff.cap_ms" => "cap_ms",
                other => other,
            };
            *path = format!("store_watch.{name}");
        }
    }
    error
}
