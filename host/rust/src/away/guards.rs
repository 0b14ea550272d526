//! The guards round all parts of the store.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::RwLock;
use tokio::sync::watch;

use super::guard::{Circuit, Guard, Outages, Outcome, Pass, Refusal};
use super::news::News;
use super::place::Place;
use super::probe;
use super::settings::{Options, StoreState};
use super::steady::Steady;
use crate::clock::Clock;
use crate::error::{Error, Problem};
use crate::key::EntityKey;
use crate::runtime::{OpenError, Runtime};
use crate::store::{Memory, Store, StoreError};

/// How many parts of a store get a guard of their own. More share them.
const MAX_GROUPS: u32 = 1_024;
/// How long a probe has for its outcome, in milliseconds, beyond what the store may take.
const PROBE_SLACK_MS: u64 = 1_000;

/// The guards of a gate.
#[derive(Debug)]
pub(crate) struct Guards {
    pub(super) circuit: Circuit,
    pub(super) store: Arc<dyn Store>,
    pub(super) clock: Arc<dyn Clock>,
    is_on: bool,
    /// Of the group 0, which is all there is unless the store is a cluster.
    first: Arc<Guard>,
    others: RwLock<BTreeMap<u32, Arc<Guard>>>,
    refused: AtomicU64,
}

impl Guards {
    /// # Errors
    /// [`Error::Config`] for wrong settings of the guard.
    pub(crate) fn open(
        runtime: &Arc<Runtime>,
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        options: Options,
    ) -> Result<Arc<Self>, Error> {
        let limit_ms = store.limit().map_or(0, |limit| u64::try_from(limit.as_millis()).unwrap_or(u64::MAX / 4));
        let config = options.guard.unwrap_or_default().circuit(2 * limit_ms + PROBE_SLACK_MS);
        let policy = runtime.open_breaker(config.to_wit()).map_err(named)?;
        let circuit = Circuit {
            runtime: Arc::clone(runtime),
            policy,
            memory: Memory::with_capacity(usize::MAX),
            steady: Arc::new(Steady::new(Arc::clone(&clock))),
            news: News::new(options.listeners),
            troubled: AtomicUsize::new(0),
            outages: Outages::default(),
        };
        let (is_on, first) = (options.guard.is_some(), Arc::new(Guard::new(0)));
        let (others, refused) = (RwLock::default(), AtomicU64::new(0));
        Ok(Arc::new(Self { circuit, store, clock, is_on, first, others, refused }))
    }

    /// The clock that guards and time limits go by.
    pub(crate) fn steady(&self) -> &Arc<Steady> {
        &self.circuit.steady
    }

    /// Lets a batch of calls that has a place through to the store, or says why not.
    pub(crate) fn admit(self: &Arc<Self>, place: Place) -> Result<Passage<'_>, StoreError> {
        match place.guard.admit(&self.circuit) {
            Ok(pass) => Ok(Passage { guards: self, place, pass: Some(pass) }),
            Err(refusal) => Err(self.refused(&place.guard, &refusal)),
        }
    }

    /// The error of a call that is sure to be turned away.
    pub(crate) fn refusal(self: &Arc<Self>, key: &EntityKey) -> Option<StoreError> {
        if self.circuit.troubled.load(Ordering::Acquire) == 0 {
            return None;
        }
        let guard = self.of(key);
        guard.refusal(&self.circuit).map(|refusal| self.refused(&guard, &refusal))
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
        others.values().map(|guard| guard.state()).max().unwrap_or(StoreState::Unknown).max(self.first.state())
    }

    /// How often all of the store has come back.
    pub(crate) fn returns(&self) -> u64 {
        self.circuit.outages.returns()
    }

    /// Sees every later change of state.
    pub(crate) fn subscribe(&self) -> watch::Receiver<u64> {
        self.circuit.news.subscribe()
    }

    /// How many calls and batches were turned away.
    pub(crate) fn refused_count(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    fn refused(self: &Arc<Self>, guard: &Arc<Guard>, refusal: &Refusal) -> StoreError {
        self.refused.fetch_add(1, Ordering::Relaxed);
        // The task is gone where its runtime has ended; this caller's goes on.
        probe::start(self, guard);
        StoreError::Away(format!("the guard round it is open: {}", refusal.trouble))
    }

    /// Whether an entity is in this part of the store.
    pub(super) fn is_in(&self, key: &EntityKey, group: u32) -> bool {
        self.store.group(key) % MAX_GROUPS == group
    }

    pub(super) fn of(&self, key: &EntityKey) -> Arc<Guard> {
        self.of_group(self.store.group(key) % MAX_GROUPS)
    }

    pub(super) fn of_group(&self, group: u32) -> Arc<Guard> {
        if group == 0 {
            return Arc::clone(&self.first);
        }
        if let Some(guard) = self.others.read().get(&group) {
            return Arc::clone(guard);
        }
        Arc::clone(self.others.write().entry(group).or_insert_with(|| Arc::new(Guard::new(group))))
    }
}

/// A batch that was let through. Dropped without an outcome, it counts as nothing.
#[derive(Debug)]
pub(crate) struct Passage<'a> {
    guards: &'a Arc<Guards>,
    place: Place,
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
        let refused = self.guards.store.refused_attempts();
        self.settle(outcome_of(error, &words, refused));
    }

    fn settle(&mut self, outcome: Outcome<'_>) {
        let guard = &self.place.guard;
        if matches!(outcome, Outcome::Written | Outcome::Read) {
            guard.hear();
        }
        let Some(pass) = self.pass.take().filter(|_| self.guards.is_on) else { return };
        guard.settle(&self.guards.circuit, pass, outcome);
        if outcome.is_failure() && guard.state() == StoreState::Away {
            probe::start(self.guards, guard);
        }
    }
}

impl Drop for Passage<'_> {
    fn drop(&mut self) {
        self.settle(Outcome::Unknown);
    }
}

/// What an error, in these words, says of the store, which has refused so many attempts to connect.
/// One that is full does its work for the entities that it holds.
pub(super) fn outcome_of<'a>(error: &StoreError, words: &'a str, refused: u32) -> Outcome<'a> {
    match error {
        _ if refused > 1 => Outcome::Unreachable(words, refused),
        StoreError::Full { .. } => Outcome::Written,
        StoreError::Refused(_) => Outcome::Refused(words),
        _ => Outcome::Failed(words),
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
            *path = format!("store_guard.{name}");
        }
    }
    error
}
