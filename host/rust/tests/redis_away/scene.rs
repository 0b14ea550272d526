//! A gate on a Redis store, and what it is told.

use std::time::{Duration, Instant};

use tidegate::store::StoreError;
use tidegate::store::redis::Redis;
use tidegate::{Error, Limit, RateLimiter, RateLimiterConfig, StoreState, StoreWatch, Tidegate, WhenAway};
use tokio::sync::watch;

/// More than any test waits for what must come: only a broken store meets it.
const LONG: Duration = Duration::from_mins(1);

/// How long an operation may take. Other tests run meanwhile.
pub(crate) const LIMIT_MS: u64 = 300;

/// A gate that tells of its store.
pub(crate) struct Scene {
    pub(crate) gate: Tidegate,
    state: watch::Receiver<Seen>,
}

/// What was told of the store.
#[derive(Debug, Clone, Copy)]
struct Seen {
    state: StoreState,
    /// How often it was said to be away: once, and once for each probe that failed.
    away: u32,
}

impl Scene {
    pub(crate) async fn connect(url: &str) -> Self {
        let store = Redis::builder(url).timeout_ms(LIMIT_MS).connect().await.expect("the store connects");
        let (told, state) = watch::channel(Seen { state: StoreState::Available, away: 0 });
        let watch = StoreWatch { failures: 3, open_ms: 30, cap_ms: 60 };
        let builder = Tidegate::builder().store(store).store_watch(watch);
        let builder = builder.on_store_change(move |change| {
            told.send_modify(|seen| {
                seen.away += u32::from(change.after == StoreState::Away);
                seen.state = change.after;
            });
        });
        Self { gate: builder.build().expect("the component loads"), state }
    }

    /// A thousand an hour.
    pub(crate) fn limiter(&self, when_away: WhenAway) -> RateLimiter {
        let config = RateLimiterConfig::new("api", Limit::per_hour(1_000)).when_away(when_away);
        self.gate.rate_limiter(config).expect("the configuration is valid")
    }

    /// Calls until the watch is open. All errors before that.
    pub(crate) async fn fails(&self) -> Vec<StoreError> {
        let (limiter, mut errors) = (self.limiter(WhenAway::Error), Vec::new());
        while matches!(self.gate.store_state(), StoreState::Unknown | StoreState::Available) {
            match limiter.try_acquire("fails").await {
                Ok(_) => tokio::task::yield_now().await,
                Err(Error::Store(error)) => errors.push(error),
                Err(error) => panic!("{error}"),
            }
        }
        errors
    }

    /// Returns when the watch has found out, without any call, that the store is back.
    pub(crate) async fn is_back(&mut self) {
        let is_back = self.state.wait_for(|seen| seen.state == StoreState::Available);
        tokio::time::timeout(LONG, is_back).await.expect("the store comes back").expect("the gate is there");
        self.limiter(WhenAway::Error).try_acquire("back").await.expect("the store answers");
    }

    /// Returns when three more probes have failed, and none has not.
    pub(crate) async fn stays_away(&mut self) {
        let most = self.state.borrow().away + 3;
        let fails = self.state.wait_for(|seen| seen.away >= most || seen.state == StoreState::Available);
        let seen = *tokio::time::timeout(LONG, fails).await.expect("the store is probed").expect("the gate is there");
        assert_ne!(seen.state, StoreState::Available);
    }
}

/// Does something, and says how long it took.
pub(crate) async fn timed<T>(work: impl Future<Output = T>) -> (T, Duration) {
    let started = Instant::now();
    (work.await, started.elapsed())
}

/// The server's words, where it answered with an error.
pub(crate) fn refusals(errors: &[StoreError]) -> Vec<&str> {
    fn words(error: &StoreError) -> Option<&str> {
        match error {
            StoreError::Refused(text) => Some(text),
            _ => None,
        }
    }
    errors.iter().filter_map(words).collect()
}
