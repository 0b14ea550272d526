//! On a Redis of its own, over loopback.

use std::future::Future;
use std::time::{Duration, Instant};

use criterion::Criterion;
use tidegate::{Algorithm, Limit, RateLimiter, RateLimiterConfig, Redis, Tidegate};
use tidegate_test_support::redis_server::RedisServer;
use tokio::runtime::Runtime;

/// Callers that meet on one key.
const CALLERS: u64 = 64;

pub(crate) fn measure(criterion: &mut Criterion) -> anyhow::Result<()> {
    let server = RedisServer::start()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let client = redis::Client::open(server.url())?;
    let connection = runtime.block_on(client.get_multiplexed_async_connection())?;
    let limiter = runtime.block_on(limiter(&server.url()))?;

    let get = move || get(connection.clone());
    let decide = move || decide(limiter.clone());
    criterion.bench_function("redis GET", |bench| bench.iter_custom(|count| alone(&runtime, count, &get)));
    criterion.bench_function("gcra on redis", |bench| bench.iter_custom(|count| alone(&runtime, count, &decide)));
    criterion
        .bench_function("redis GET, 64 callers", |bench| bench.iter_custom(|count| together(&runtime, count, &get)));
    criterion.bench_function("gcra on redis, 64 callers, one key", |bench| {
        bench.iter_custom(|count| together(&runtime, count, &decide));
    });
    Ok(())
}

async fn limiter(url: &str) -> anyhow::Result<RateLimiter> {
    let gate = Tidegate::builder().store(Redis::connect(url).await?).build()?;
    let limit = Limit::per_second(1_000_000).by(Algorithm::Gcra { burst: None });
    Ok(gate.rate_limiter(RateLimiterConfig::new("hot", limit))?)
}

async fn get(mut connection: redis::aio::MultiplexedConnection) {
    let value: Option<String> = redis::cmd("GET").arg("hot").query_async(&mut connection).await.expect("redis answers");
    std::hint::black_box(value);
}

async fn decide(limiter: RateLimiter) {
    std::hint::black_box(limiter.try_acquire("key").await.expect("redis answers"));
}

/// One after the other.
fn alone<F: Future<Output = ()> + Send + 'static>(runtime: &Runtime, count: u64, work: impl Fn() -> F) -> Duration {
    runtime.block_on(async {
        let start = Instant::now();
        for _ in 0..count {
            work().await;
        }
        start.elapsed()
    })
}

/// By so many callers at once, each one after the other.
fn together<F, W>(runtime: &Runtime, count: u64, work: &W) -> Duration
where
    F: Future<Output = ()> + Send + 'static,
    W: Fn() -> F + Clone + Send + 'static,
{
    runtime.block_on(async {
        let start = Instant::now();
        let callers: Vec<_> = (0..CALLERS)
            .map(|caller| {
                let work = work.clone();
                let share = count / CALLERS + u64::from(caller < count % CALLERS);
                tokio::spawn(async move {
                    for _ in 0..share {
                        work().await;
                    }
                })
            })
            .collect();
        for caller in callers {
            caller.await.expect("a caller does not panic");
        }
        start.elapsed()
    })
}
