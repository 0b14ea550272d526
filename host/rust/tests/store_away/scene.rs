//! A store that can fail in any way, on a clock that is moved by hand.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tidegate::store::{BoxFuture, Commit, MemoryStore, Op, Reply, Store, StoreError};
use tidegate::{
    Builder, CircuitBreaker, CircuitBreakerConfig, Clock as _, Limit, ManualClock, Memory, RateLimiter,
    RateLimiterConfig, StoreChange, StoreState, Tidegate, WhenAway,
};
use tokio::sync::watch;

/// How long an operation of the store may take.
pub(crate) const LIMIT: Duration = Duration::from_millis(50);

/// How the store fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It cannot be reached.
    Unreachable,
    /// It does not answer within the limit.
    Silent,
    /// It answers when the fault is over, and knows of no limit.
    Stuck,
    /// It refuses to write.
    ReadOnly,
    /// It has refused three attempts to connect in a row.
    Gone,
}

/// The store, as hosts see it.
#[derive(Debug, Clone)]
pub(crate) struct Faulty {
    store: MemoryStore,
    clock: ManualClock,
    fault: Arc<watch::Sender<Option<Fault>>>,
    /// Entities whose tag holds this are in a part of the store of their own, which alone has the
    /// fault.
    part: Arc<Mutex<Option<&'static str>>>,
    commits: Arc<Mutex<Vec<(u64, String)>>>,
}

impl Faulty {
    async fn answer(&self, commit: &Commit) -> Result<Reply, StoreError> {
        let tag = commit.entities.first().map_or(String::new(), |entity| entity.tag().to_owned());
        let is_hit = self.part.lock().is_none_or(|part| tag.contains(part));
        self.commits.lock().push((self.clock.now_us(), tag));
        let fault = *self.fault.borrow();
        match fault.filter(|_| is_hit) {
            Some(Fault::Unreachable | Fault::Gone) => return Err(StoreError::Away("connection refused".to_owned())),
            Some(Fault::Silent) => {
                self.clock.sleep(LIMIT).await;
                return Err(StoreError::TimedOut { timeout_ms: 50 });
            }
            Some(Fault::Stuck) => {
                self.fault.subscribe().wait_for(Option::is_none).await.expect("the scene is there");
            }
            Some(Fault::ReadOnly) if writes(commit) => return Err(StoreError::Refused("READONLY".to_owned())),
            Some(Fault::ReadOnly) | None => {}
        }
        self.store.commit(commit).await
    }
}

fn writes(commit: &Commit) -> bool {
    commit.ops.iter().any(|op| !matches!(op, Op::Get { .. } | Op::Observe { .. }))
}

impl Store for Faulty {
    fn commit<'a>(&'a self, commit: &'a Commit) -> BoxFuture<'a, Result<Reply, StoreError>> {
        Box::pin(self.answer(commit))
    }

    fn timeout(&self) -> Option<Duration> {
        Some(LIMIT)
    }

    fn refused_attempts(&self) -> u32 {
        if *self.fault.borrow() == Some(Fault::Gone) { 3 } else { 0 }
    }

    fn shard(&self, entity: &tidegate::key::EntityKey) -> u32 {
        let part = *self.part.lock();
        u32::from(part.is_some_and(|part| entity.tag().contains(part)))
    }
}

/// A store and the hosts on it.
pub(crate) struct Scene {
    pub(crate) clock: ManualClock,
    pub(crate) store: Faulty,
    pub(crate) told: Arc<Mutex<Vec<StoreChange>>>,
}

impl Scene {
    pub(crate) fn new() -> Self {
        let clock = ManualClock::new();
        let store = Faulty {
            store: MemoryStore::new(Memory::new(), Arc::new(clock.clone())),
            clock: clock.clone(),
            fault: Arc::new(watch::Sender::new(None)),
            part: Arc::default(),
            commits: Arc::default(),
        };
        Self { clock, store, told: Arc::default() }
    }

    pub(crate) fn host(&self) -> Tidegate {
        self.host_with(|builder| builder)
    }

    pub(crate) fn host_with(&self, set: impl FnOnce(Builder) -> Builder) -> Tidegate {
        let told = Arc::clone(&self.told);
        let builder = Tidegate::builder().store(self.store.clone()).clock(self.clock.clone());
        let builder = builder.on_store_change(move |change| told.lock().push(change));
        set(builder).build().expect("the component loads")
    }

    /// From now on the store fails like this.
    pub(crate) fn fail(&self, fault: Fault) {
        self.store.fault.send_replace(Some(fault));
    }

    /// From now on the store answers.
    pub(crate) fn heal(&self) {
        self.store.fault.send_replace(None);
    }

    /// Only entities whose tag holds this text suffer, in a part of the store that is theirs.
    pub(crate) fn only(&self, part: &'static str) {
        *self.store.part.lock() = Some(part);
    }

    /// Lets time pass in steps of a millisecond, and everybody do what they do.
    pub(crate) async fn pass(&self, time: Duration) {
        for _ in 0..time.as_millis() {
            self.clock.advance(Duration::from_millis(1));
            rest().await;
        }
    }

    /// The commits since this was last asked: when, in milliseconds since the given time, and about
    /// whom.
    pub(crate) fn take_commits(&self, since_us: u64) -> Vec<(u64, String)> {
        let commits = std::mem::take(&mut *self.store.commits.lock());
        commits.into_iter().map(|(at_us, tag)| ((at_us - since_us) / 1_000, tag)).collect()
    }

    /// The states the watch was told to have come to.
    pub(crate) fn states(&self) -> Vec<StoreState> {
        self.told.lock().iter().map(|change| change.after).collect()
    }

    /// Makes three calls, which find out that the store is away.
    pub(crate) async fn find_out(&self, gate: &Tidegate) {
        let limiter = limiter(gate, "finds out", 1, WhenAway::Error);
        for _ in 0..3 {
            limiter.try_acquire("k").await.expect_err("the store is away");
        }
        assert_eq!(gate.store_state(), StoreState::Away);
    }
}

/// Lets all other tasks go on until they wait for something.
pub(crate) async fn rest() {
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
}

/// This many in ten seconds.
pub(crate) fn limiter(gate: &Tidegate, name: &str, limit: u32, when_away: WhenAway) -> RateLimiter {
    let config = RateLimiterConfig::new(name, Limit::per(limit, Duration::from_secs(10))).when_away(when_away);
    gate.rate_limiter(config).expect("the configuration is valid")
}

/// Opens after two failures in a row.
pub(crate) fn breaker(gate: &Tidegate, when_away: WhenAway) -> CircuitBreaker {
    let config = CircuitBreakerConfig::consecutive("c", 2).when_away(when_away);
    gate.circuit_breaker(config).expect("the configuration is valid")
}
