//! Two hosts that lease from one real Redis.

use tidegate::{Algorithm, Lease, Limit, RateLimiter, RateLimiterConfig, Redis, Tidegate};
use tidegate_test_support::redis_server::RedisServer;

use super::LIFE;

const LIMIT: u32 = 3_000;

/// Asks for more than there is, by several tasks at once: how many were let go.
async fn exhaust(limiter: &RateLimiter) -> u32 {
    let asking = |_| {
        let limiter = limiter.clone();
        tokio::spawn(async move {
            let mut allowed = 0;
            for _ in 0..400 {
                allowed += u32::from(limiter.try_acquire("k").await.expect("the store answers").is_allowed());
            }
            allowed
        })
    };
    let mut allowed = 0;
    for task in (0..8).map(asking).collect::<Vec<_>>() {
        allowed += task.await.expect("it ends");
    }
    allowed
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hosts_admit_no_more_than_the_limit_and_give_back_all_they_did_not_use() {
    let server = RedisServer::start().expect("redis-server starts");
    let gate = async || {
        // A machine that builds and tests at once is slow now and then.
        let store = Redis::builder(&server.url()).timeout_ms(10_000).connect().await.expect("the store connects");
        Tidegate::builder().store(store).build().expect("the component loads")
    };
    for algorithm in [Algorithm::default(), Algorithm::SlidingLog] {
        let limit = Limit::per_hour(LIMIT).by(algorithm);
        let config = RateLimiterConfig::new(format!("{algorithm:?}"), limit).lease(Lease::new(100, LIFE));
        let (one, other, third) = (gate().await, gate().await, gate().await);
        let limiter = |gate: &Tidegate| gate.rate_limiter(config.clone()).expect("the configuration is valid");
        let (first, second) = (limiter(&one), limiter(&other));
        let (first, second) = tokio::join!(exhaust(&first), exhaust(&second));
        one.flush().await;
        other.flush().await;
        let counted = limiter(&third).peek("k").await.expect("the store answers").count;
        assert!(counted <= LIMIT && counted == first + second, "{counted} counted; {first} and {second} let go");
        let stats = [one.stats(), other.stats()];
        let leased: u64 = stats.iter().map(|stats| stats.leased).sum();
        assert!(leased > u64::from(first + second) / 2, "{algorithm:?}: {stats:?}");
    }
}
