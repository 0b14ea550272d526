//! On the memory store, in one thread.

use std::hint::black_box;
use std::num::NonZeroU32;
use std::time::Duration;

use anyhow::{Context as _, Result};
use failsafe::CircuitBreaker as _;
use governor::{Quota, RateLimiter};
use tidegate::blocking::Tidegate;
use tidegate::{Algorithm, CircuitBreakerConfig, Limit, RateLimiterConfig};
use tidegate_benches::group::{Group, timed};

use crate::Report;
use crate::empty_call::EmptyCall;

/// More than can be asked for in a run: every decision is an admission.
const PLENTY: u32 = 1_000_000;

/// Keys in use at once, as a busy worker has.
const KEYS: usize = 1_000;

/// Decisions that one call asks for.
const MANY: usize = 64;

pub(crate) fn measure(report: &mut Report) -> Result<()> {
    report.add("one decision on memory", limiters)?;
    report.add("a decision, 64 in one call on memory", many)?;
    report.add("a call through a closed circuit on memory", breakers)
}

fn keys() -> Vec<String> {
    (0..KEYS).map(|user| format!("user-{user}")).collect()
}

fn limiters(group: Group<'_>) -> Result<Group<'_>> {
    let gate = Tidegate::builder().build()?;
    let mut group = with_governor(with_empty_call(group)?)?;
    let algorithms = [
        ("gcra", Algorithm::Gcra { burst: None }),
        ("fixed window", Algorithm::FixedWindow),
        ("sliding window", Algorithm::default()),
    ];
    for (name, algorithm) in algorithms {
        let limiter = gate.rate_limiter(RateLimiterConfig::new(name, Limit::per_second(PLENTY).by(algorithm)))?;
        let keys = keys();
        let mut turn = 0;
        group = group.work(name, move |count| {
            timed(count, || {
                turn = (turn + 1) % KEYS;
                black_box(limiter.try_acquire(&keys[turn]).expect("the memory store answers"));
            })
        });
        if name == "gcra" {
            group = group.at_most(3.0, "empty component call");
        }
    }
    Ok(group)
}

/// Each of 64 decisions that one call asks for, over as many keys.
fn many(group: Group<'_>) -> Result<Group<'_>> {
    let gate = Tidegate::builder().build()?;
    let limit = Limit::per_second(PLENTY).by(Algorithm::Gcra { burst: None });
    let limiter = gate.rate_limiter(RateLimiterConfig::new("many", limit))?;
    let keys = keys();
    let mut first = 0;
    let group = with_governor(with_empty_call(group)?)?;
    Ok(group
        .work("gcra", move |count| {
            timed(count.div_ceil(MANY as u64), || {
                first = (first + MANY) % (KEYS - MANY);
                black_box(limiter.try_acquire_many(&keys[first..first + MANY]));
            })
        })
        .at_most(1.5, "governor keyed"))
}

fn breakers(group: Group<'_>) -> Result<Group<'_>> {
    let gate = Tidegate::builder().build()?;
    let mut group = with_failsafe(with_empty_call(group)?);
    let consecutive = CircuitBreakerConfig::consecutive("consecutive", 5);
    let rate = CircuitBreakerConfig::failure_rate("failure rate", 50.0);
    for (name, config) in [("consecutive failures", consecutive), ("failure rate", rate)] {
        let breaker = gate.circuit_breaker(config)?;
        group = group.work(name, move |count| {
            timed(count, || {
                let report = breaker.admit().expect("the memory store answers");
                let permit = report.permit.expect("the circuit is closed");
                black_box(breaker.succeeded(permit, Duration::from_millis(3)).expect("the memory store answers"));
            })
        });
    }
    Ok(group)
}

fn with_empty_call(group: Group<'_>) -> Result<Group<'_>> {
    let mut empty = EmptyCall::new()?;
    Ok(group.beside("empty component call", move |count| timed(count, || empty.call())))
}

fn with_governor(group: Group<'_>) -> Result<Group<'_>> {
    let limiter = RateLimiter::keyed(Quota::per_second(NonZeroU32::new(PLENTY).context("it is not zero")?));
    let keys = keys();
    let mut turn = 0;
    Ok(group.beside("governor keyed", move |count| {
        timed(count, || {
            turn = (turn + 1) % KEYS;
            black_box(limiter.check_key(&keys[turn]).is_ok());
        })
    }))
}

fn with_failsafe(group: Group<'_>) -> Group<'_> {
    let breaker = failsafe::Config::new().build();
    group.beside("failsafe", move |count| {
        timed(count, || {
            black_box(breaker.call(|| Ok::<_, ()>(1)).is_ok());
        })
    })
}
