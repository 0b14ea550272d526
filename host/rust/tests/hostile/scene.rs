//! A Redis of a test's own, hosts on it, and the settings that between them write every kind of
//! cell.

use std::time::Duration;

use tidegate::{
    Algorithm, CircuitBreakerConfig, FailureCount, HalfOpen, Limit, OnLimit, RateLimiterConfig, Redis, Sample, Stats,
    Tidegate, Trip,
};
use tidegate_test_support::redis_server::RedisServer;

pub(crate) struct Scene {
    server: RedisServer,
}

impl Scene {
    pub(crate) fn new() -> Self {
        Self { server: RedisServer::start().expect("redis-server starts") }
    }

    /// A host that knows nothing yet.
    pub(crate) async fn gate(&self) -> Tidegate {
        // A machine that builds and tests at once is slow now and then.
        let store = Redis::builder(&self.server.url()).timeout_ms(10_000).connect().await.expect("the store connects");
        Tidegate::builder().store(store).build().expect("the component loads")
    }

    pub(crate) fn stranger(&self) -> Stranger {
        Stranger(self.server.client().expect("the server takes connections"))
    }
}

/// One who writes what it likes.
pub(crate) struct Stranger(redis::Connection);

impl Stranger {
    pub(crate) fn run<T: redis::FromRedisValue>(&mut self, name: &str, args: &[&[u8]]) -> T {
        let mut command = redis::cmd(name);
        for arg in args {
            command.arg(*arg);
        }
        command.query(&mut self.0).expect("the server answers")
    }

    /// The keys of a pattern, but for the notes of which settings a limiter goes by, which are left
    /// for a month.
    pub(crate) fn keys(&mut self, pattern: &str) -> Vec<String> {
        let mut keys: Vec<String> = self.run("KEYS", &[pattern.as_bytes()]);
        keys.retain(|key| !key.starts_with("tidegate:{st:rl:"));
        keys.sort();
        keys
    }

    /// What a key holds, as text, and in how many milliseconds it expires.
    pub(crate) fn value(&mut self, key: &str) -> (String, i64) {
        (self.run("GET", &[key.as_bytes()]), self.run("PTTL", &[key.as_bytes()]))
    }
}

pub(crate) fn algorithms() -> [Algorithm; 6] {
    [
        Algorithm::default(),
        Algorithm::Gcra { burst: None },
        Algorithm::TokenBucket { burst: Some(3) },
        Algorithm::FixedWindow,
        Algorithm::SlidingWindowCounter,
        Algorithm::SlidingLog,
    ]
}

/// Every algorithm with every behaviour, each under a name of its own.
pub(crate) fn limiters(window: Duration, longest_wait: Duration) -> Vec<RateLimiterConfig> {
    let behaviours = [OnLimit::Reject, OnLimit::delay(longest_wait), OnLimit::queue(4, longest_wait)];
    let both = algorithms().into_iter().flat_map(|algorithm| behaviours.map(|on_limit| (algorithm, on_limit)));
    let config = |(index, (algorithm, on_limit))| {
        RateLimiterConfig::new(format!("limiter-{index}"), Limit::per(3, window).by(algorithm)).on_limit(on_limit)
    };
    both.enumerate().map(config).collect()
}

/// A circuit that counts all there is to count, over calls or over time.
pub(crate) fn circuits() -> [CircuitBreakerConfig; 2] {
    [Sample::Calls(10), Sample::WindowMs(60_000)].map(|sample| {
        let trip = Trip {
            failures: Some(FailureCount { count: 3, within_ms: 60_000 }),
            consecutive: Some(3),
            failure_rate_percent: Some(90.0),
            sample,
            ..Trip::default()
        };
        CircuitBreakerConfig::new(format!("circuit-{sample:?}"), trip)
            .open_for(Duration::from_millis(1))
            .half_open(HalfOpen { probes: 3, successes: 5, permit_ms: 60_000, ..HalfOpen::default() })
    })
}

/// No policy failed, and none was led astray.
pub(crate) fn assert_sound(stats: &Stats, what: &str) {
    assert_eq!((stats.runtime.traps, stats.runtime.failures, stats.diverged), (0, 0, 0), "{what}: {stats:?}");
}
