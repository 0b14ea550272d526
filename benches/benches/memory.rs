//! Decisions on the memory store, one at a time, with Criterion's statistics: what has become
//! slower since the last run here?
//!
//! `cargo xtask bench` answers another question, how far these are from their floors and peers.

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use tidegate::blocking::Tidegate;
use tidegate::{Algorithm, CircuitBreakerConfig, Limit, RateLimiterConfig};

fn limiters(criterion: &mut Criterion) {
    let gate = Tidegate::builder().build().expect("the component loads");
    let mut group = criterion.benchmark_group("rate limiter");
    for (name, algorithm) in [
        ("sliding window", Algorithm::default()),
        ("gcra", Algorithm::Gcra { burst: None }),
        ("fixed window", Algorithm::FixedWindow),
        ("sliding window counter", Algorithm::SlidingWindowCounter),
    ] {
        let limit = Limit::per_second(1_000_000).by(algorithm);
        let limiter = gate.rate_limiter(RateLimiterConfig::new(name, limit)).expect("a valid configuration");
        group.bench_function(name, |bencher| bencher.iter(|| limiter.try_acquire(black_box("key"))));
    }
}

fn breakers(criterion: &mut Criterion) {
    let gate = Tidegate::builder().build().expect("the component loads");
    let breaker = gate.circuit_breaker(CircuitBreakerConfig::consecutive("circuit", 5)).expect("a valid configuration");
    criterion.bench_function("circuit breaker, closed", |bencher| {
        bencher.iter(|| {
            let permit = breaker.admit().expect("a decision").permit.expect("a closed circuit admits");
            breaker.succeeded(permit, Duration::from_millis(1))
        });
    });
}

criterion_group!(decisions, limiters, breakers);
criterion_main!(decisions);
