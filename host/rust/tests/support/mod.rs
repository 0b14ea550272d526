//! Hosts on one memory store, over a link that can be held up or made to fail.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tidegate::store::{BoxFuture, Commit, MemoryStore, Outcome, Reply, Store, StoreError};
use tidegate::{Algorithm, Builder, Clock, ManualClock, Memory, Tidegate};
use tokio::sync::{Mutex, OwnedMutexGuard, watch};

/// What can befall a commit on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The store says that it knows better, and then what the commit said.
    Refuse,
    /// The store cannot be reached.
    Away,
}

/// The way to the store.
#[derive(Debug, Clone)]
pub(crate) struct Link {
    store: Arc<MemoryStore>,
    lock: Arc<Mutex<()>>,
    waiting: Arc<watch::Sender<u64>>,
    faults: Arc<parking_lot::Mutex<(u32, Option<Fault>)>>,
    pub(crate) commits: Arc<AtomicU64>,
}

impl Link {
    /// Nothing gets through until what this returns is dropped.
    pub(crate) async fn hold(&self) -> OwnedMutexGuard<()> {
        Arc::clone(&self.lock).lock_owned().await
    }

    /// Returns when this many commits are on their way.
    pub(crate) async fn waiting(&self, commits: u64) {
        self.waiting.subscribe().wait_for(|waiting| *waiting >= commits).await.expect("the link is there");
    }

    /// The next this many commits fail.
    pub(crate) fn fail_next(&self, count: u32, fault: Fault) {
        *self.faults.lock() = (count, Some(fault));
    }

    fn next_fault(&self) -> Option<Fault> {
        let mut faults = self.faults.lock();
        faults.0 = faults.0.checked_sub(1)?;
        faults.1
    }
}

impl Store for Link {
    fn commit<'a>(&'a self, commit: &'a Commit) -> BoxFuture<'a, Result<Reply, StoreError>> {
        Box::pin(async move {
            self.waiting.send_modify(|waiting| *waiting += 1);
            let _through = self.lock.lock().await;
            self.waiting.send_modify(|waiting| *waiting -= 1);
            self.commits.fetch_add(1, Ordering::Relaxed);
            match self.next_fault() {
                None => self.store.commit(commit).await,
                Some(Fault::Away) => Err(StoreError::Away("the link is cut".to_owned())),
                Some(Fault::Refuse) => {
                    let values = commit.cells.iter().map(|_| None).collect();
                    let clock_us = self.store.time_us().await?;
                    Ok(Reply { outcome: Outcome::Refused(values), clock_us, foreign: 0 })
                }
            }
        })
    }

    fn time_us(&self) -> BoxFuture<'_, Result<u64, StoreError>> {
        self.store.time_us()
    }
}

/// A store with its clock, and the way to it.
pub(crate) struct World {
    clock: ManualClock,
    clocks: parking_lot::Mutex<Vec<ManualClock>>,
    pub(crate) link: Link,
}

/// A host with a clock of its own.
pub(crate) struct Host {
    pub(crate) gate: Tidegate,
    clock: ManualClock,
}

impl World {
    pub(crate) fn new() -> Self {
        let clock = ManualClock::new();
        let store = MemoryStore::new(Memory::new(), Arc::new(clock.clone()));
        let link = Link {
            store: Arc::new(store),
            lock: Arc::default(),
            waiting: Arc::new(watch::Sender::new(0)),
            faults: Arc::default(),
            commits: Arc::default(),
        };
        Self { clock, clocks: parking_lot::Mutex::default(), link }
    }

    pub(crate) fn host(&self) -> Host {
        self.host_off_by(0)
    }

    pub(crate) fn host_off_by(&self, ms: i64) -> Host {
        let host = self.host_with(|builder| builder);
        host.jump(ms);
        host
    }

    pub(crate) fn host_with(&self, set: impl FnOnce(Builder) -> Builder) -> Host {
        let clock = ManualClock::at_us(self.clock.now_us());
        self.clocks.lock().push(clock.clone());
        let builder = Tidegate::builder().store(self.link.clone()).clock(clock.clone());
        Host { gate: set(builder).build().expect("the component loads"), clock }
    }

    /// The store's clock.
    pub(crate) fn clock_us(&self) -> u64 {
        self.clock.now_us()
    }

    /// Lets time pass for the store and all hosts.
    pub(crate) fn pass(&self, time: Duration) {
        self.clock.advance(time);
        for clock in self.clocks.lock().iter() {
            clock.advance(time);
        }
    }
}

impl Host {
    /// Sets the host's clock forward, or back.
    pub(crate) fn jump(&self, ms: i64) {
        self.clock.set_us(self.clock.now_us().saturating_add_signed(ms * 1_000));
    }
}

/// Two stores as one, each with a clock of its own.
#[derive(Debug, Clone)]
pub(crate) struct TwoNodes {
    fast: Arc<MemoryStore>,
    slow: Arc<MemoryStore>,
    pub(crate) fast_clock: ManualClock,
    slow_clock: ManualClock,
}

impl TwoNodes {
    pub(crate) fn new(apart: Duration) -> Self {
        let slow_clock = ManualClock::new();
        let fast_clock = ManualClock::at_us(slow_clock.now_us());
        fast_clock.advance(apart);
        let node = |clock: &ManualClock| Arc::new(MemoryStore::new(Memory::new(), Arc::new(clock.clone())));
        Self { fast: node(&fast_clock), slow: node(&slow_clock), fast_clock, slow_clock }
    }

    pub(crate) fn pass(&self, time: Duration) {
        self.fast_clock.advance(time);
        self.slow_clock.advance(time);
    }
}

impl Store for TwoNodes {
    fn commit<'a>(&'a self, commit: &'a Commit) -> BoxFuture<'a, Result<Reply, StoreError>> {
        let is_slow = commit.entities.iter().any(|key| key.tag().ends_with("slow"));
        if is_slow { self.slow.commit(commit) } else { self.fast.commit(commit) }
    }

    fn time_us(&self) -> BoxFuture<'_, Result<u64, StoreError>> {
        self.fast.time_us()
    }
}

/// All algorithms.
pub(crate) fn algorithms() -> Vec<Algorithm> {
    vec![
        Algorithm::default(),
        Algorithm::Gcra { burst: None },
        Algorithm::TokenBucket { burst: Some(8) },
        Algorithm::FixedWindow,
        Algorithm::SlidingWindowCounter,
        Algorithm::SlidingLog,
    ]
}
