//! Entries of a log and waiters in a queue: states that grow with what they hold.

use std::hint::black_box;
use std::time::Duration;

use anyhow::Result;
use tidegate::{Algorithm, Limit, ManualClock, OnLimit, RateLimiter, RateLimiterConfig, blocking};
use tidegate_benches::callers::{alone, together};
use tidegate_benches::group::{Group, timed};
use tidegate_benches::settings::Settings;

use crate::{Shared, curve};

const SIZES: [u64; 4] = [10, 100, 1_000, 10_000];
/// How many fill a state on Redis at once.
const CALLERS: u64 = 64;

pub(crate) fn measure(settings: &Settings) -> Result<()> {
    let shared = &Shared::start()?;
    curve(settings, "entries of a sliding log", &SIZES, |size, group| log(shared, size, group))?;
    curve(settings, "waiters in a queue", &SIZES, |size, group| queue(shared, size, group))
}

/// A log that holds all entries but one, which is taken and given back.
fn log<'a>(shared: &'a Shared, size: u64, group: Group<'a>) -> Result<Group<'a>> {
    let config = RateLimiterConfig::new(format!("log-{size}"), limit(size).by(Algorithm::SlidingLog));
    let clock = ManualClock::new();
    let memory = blocking::Tidegate::builder().clock(clock.clone()).build()?.rate_limiter(config.clone())?;
    for _ in 1..size {
        // Entries of the same time are one entry.
        clock.advance(Duration::from_millis(1));
        memory.try_acquire("key")?;
    }
    let redis = shared.gate.rate_limiter(config)?;
    let filler = redis.clone();
    alone(&shared.runtime, size - 1, |_| taken(filler.clone()));
    Ok(group
        .work("taking a permit and giving it back, on memory", move |count| {
            timed(count, || {
                let decision = memory.try_acquire("key").expect("the memory store answers");
                black_box(memory.refund("key", &decision).expect("the memory store answers"));
            })
        })
        .work("the same on Redis", move |count| alone(&shared.runtime, count, |_| taken_and_given_back(redis.clone()))))
}

async fn taken(limiter: RateLimiter) {
    assert!(limiter.try_acquire("key").await.expect("redis answers").is_allowed(), "there is room");
}

async fn taken_and_given_back(limiter: RateLimiter) {
    let decision = limiter.try_acquire("key").await.expect("redis answers");
    black_box(limiter.refund("key", &decision).await.expect("redis answers"));
}

/// A queue in which all wait but one, who comes and leaves.
fn queue<'a>(shared: &'a Shared, size: u64, group: Group<'a>) -> Result<Group<'a>> {
    let max_size = u32::try_from(size)?;
    let queue = OnLimit::queue(max_size, Duration::from_hours(1));
    let limit = Limit::per_day(1).by(Algorithm::Gcra { burst: None });
    let config = RateLimiterConfig::new(format!("queue-{size}"), limit).on_limit(queue);
    let clock = ManualClock::new();
    let memory = blocking::Tidegate::builder().clock(clock.clone()).build()?.rate_limiter(config.clone())?;
    for _ in 0..size {
        clock.advance(Duration::from_millis(1));
        memory.decide("key", None)?;
    }
    let redis = shared.gate.rate_limiter(config)?;
    let filler = redis.clone();
    together(&shared.runtime, CALLERS, size, &move |_| came(filler.clone()));
    Ok(group
        .work("coming and leaving, on memory", move |count| {
            timed(count, || {
                let ticket = memory.decide("key", None).expect("the memory store answers").ticket;
                black_box(memory.cancel("key", ticket.expect("it waits")).expect("the memory store answers"));
            })
        })
        .work("the same on Redis", move |count| alone(&shared.runtime, count, |_| came_and_left(redis.clone()))))
}

async fn came(limiter: RateLimiter) {
    limiter.decide("key", None).await.expect("redis answers");
}

async fn came_and_left(limiter: RateLimiter) {
    let ticket = limiter.decide("key", None).await.expect("redis answers").ticket;
    black_box(limiter.cancel("key", ticket.expect("it waits")).await.expect("redis answers"));
}

fn limit(size: u64) -> Limit {
    Limit::per_day(u32::try_from(size).unwrap_or(u32::MAX))
}
