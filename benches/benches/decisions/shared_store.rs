//! On a Redis of its own, over loopback.

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Result;
use tidegate::{Algorithm, Lease, Limit, RateLimiter, RateLimiterConfig, Redis, Tidegate};
use tidegate_benches::callers::{alone, runtime, together};
use tidegate_benches::group::Group;
use tidegate_benches::plain_redis::PlainRedis;
use tidegate_test_support::redis_server::RedisServer;
use tokio::runtime::Runtime;

use crate::Report;

/// Callers that ask at once.
const CALLERS: u64 = 64;
/// As many keys as a busy service has users at a time.
const KEYS: u64 = 10_000;

/// A server, and the clients that are held against each other.
struct Bench {
    runtime: Runtime,
    plain: PlainRedis,
    gate: Tidegate,
    _server: RedisServer,
}

pub(crate) fn measure(report: &mut Report) -> Result<()> {
    let server = RedisServer::start()?;
    let runtime = runtime()?;
    let plain = runtime.block_on(PlainRedis::connect(&server.url()))?;
    // A call that is late on a busy machine is measured, and no error.
    let store = runtime.block_on(Redis::builder(&server.url()).timeout_ms(10_000).connect())?;
    let gate = Tidegate::builder().store(store).build()?;
    let bench = Bench { runtime, plain, gate, _server: server };
    report.add("one caller on Redis", |group| bench.one_caller(group))?;
    report.add("64 callers, one key on Redis", |group| bench.one_key(group))?;
    report.add("64 callers, one key on Redis, nearly all denied", |group| bench.overload(group))?;
    report.add("64 callers, 10,000 keys on Redis", |group| bench.many_keys(group))
}

impl Bench {
    fn one_caller<'a>(&'a self, group: Group<'a>) -> Result<Group<'a>> {
        let mut group = group
            .beside("one GET", |count| alone(&self.runtime, count, |_| self.plain.clone().get()))
            .beside("one EVALSHA", |count| alone(&self.runtime, count, |_| self.plain.clone().gcra("alone")));
        for (name, algorithm) in [("gcra", GCRA), ("sliding window", Algorithm::default())] {
            let limiter = self.limiter("alone", algorithm)?;
            let decide = move |_| decide(limiter.clone(), "key");
            group = group.work(name, move |count| alone(&self.runtime, count, &decide));
            if name == "gcra" {
                group = group.at_most(1.25, "one GET");
            }
        }
        Ok(group)
    }

    fn one_key<'a>(&'a self, group: Group<'a>) -> Result<Group<'a>> {
        let (plain, scripted) = (self.plain.clone(), self.plain.clone());
        let limiter = self.limiter("hot", GCRA)?;
        let limit = Limit::per_second(1_000_000).by(Algorithm::Gcra { burst: Some(4_000_000_000) });
        let lease = Lease::new(1_000, Duration::from_secs(1));
        let leased = self.gate.rate_limiter(RateLimiterConfig::new("leased", limit).lease(lease))?;
        Ok(group
            .beside("one GET", self.together(move |_| plain.clone().get()))
            .beside("one EVALSHA", self.together(move |_| scripted.clone().gcra("hot")))
            .work("gcra", self.together(move |_| decide(limiter.clone(), "key")))
            .at_most(0.5, "one GET")
            .work("gcra, with a lease", self.together(move |_| decide(leased.clone(), "key")))
            .at_most(0.5, "one GET"))
    }

    /// A thousand a second let go of all that ask: far less than one in a hundred.
    fn overload<'a>(&'a self, group: Group<'a>) -> Result<Group<'a>> {
        let plain = self.plain.clone();
        let limit = Limit::per_second(1_000).by(GCRA);
        let limiter = self.gate.rate_limiter(RateLimiterConfig::new("overload", limit))?;
        let seen = Arc::new(Seen::default());
        let before = self.gate.stats().commits;
        let counted = Arc::clone(&seen);
        Ok(group
            .beside("one GET", self.together(move |_| plain.clone().get()))
            .work("gcra", self.together(move |_| counted.decide(limiter.clone())))
            .at_most(1.0, "one GET")
            .remark(move || seen.shares(self.gate.stats().commits - before)))
    }

    fn many_keys<'a>(&'a self, group: Group<'a>) -> Result<Group<'a>> {
        let keys: Arc<[String]> = (0..KEYS).map(|user| format!("user-{user}")).collect();
        let (plain, scripted, their_keys) = (self.plain.clone(), self.plain.clone(), Arc::clone(&keys));
        let limiter = self.limiter("many", GCRA)?;
        Ok(group
            .beside("one GET", self.together(move |_| plain.clone().get()))
            .beside(
                "one EVALSHA",
                self.together(move |turn| {
                    let (plain, keys) = (scripted.clone(), Arc::clone(&their_keys));
                    async move { plain.gcra(key(&keys, turn)).await }
                }),
            )
            .work(
                "gcra",
                self.together(move |turn| {
                    let (limiter, keys) = (limiter.clone(), Arc::clone(&keys));
                    async move { decide(limiter, key(&keys, turn)).await }
                }),
            )
            .at_most(1.0, "one EVALSHA"))
    }

    fn limiter(&self, name: &str, algorithm: Algorithm) -> Result<RateLimiter> {
        // More than can be asked for in a run: every decision is an admission.
        let limit = Limit::per_second(1_000_000).by(algorithm);
        Ok(self.gate.rate_limiter(RateLimiterConfig::new(name, limit))?)
    }

    fn together<F>(&self, work: impl Fn(u64) -> F + Clone + Send + 'static) -> impl FnMut(u64) -> Duration + '_
    where
        F: Future<Output = ()> + Send + 'static,
    {
        move |count| together(&self.runtime, CALLERS, count, &work)
    }
}

const GCRA: Algorithm = Algorithm::Gcra { burst: None };

async fn decide(limiter: RateLimiter, key: &str) {
    black_box(limiter.try_acquire(key).await.expect("redis answers"));
}

fn key(keys: &[String], turn: u64) -> &str {
    // Not in their order: neighbours in time are no neighbours in the map.
    &keys[usize::try_from(turn.wrapping_mul(7_919) % KEYS).unwrap_or(0)]
}

/// What callers were answered.
#[derive(Default)]
struct Seen {
    all: AtomicU64,
    denied: AtomicU64,
}

impl Seen {
    fn decide(self: &Arc<Self>, limiter: RateLimiter) -> impl Future<Output = ()> + Send + use<> {
        let seen = Arc::clone(self);
        async move {
            let decision = limiter.try_acquire("key").await.expect("redis answers");
            seen.all.fetch_add(1, Ordering::Relaxed);
            seen.denied.fetch_add(u64::from(!decision.is_allowed()), Ordering::Relaxed);
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "nobody reads that many digits")]
    fn shares(&self, commits: u64) -> String {
        let (all, denied) = (self.all.load(Ordering::Relaxed), self.denied.load(Ordering::Relaxed));
        let trips = commits as f64 / denied as f64;
        format!("{:.2} % denied, {trips:.5} round trips a denial", 100.0 * denied as f64 / all as f64)
    }
}
