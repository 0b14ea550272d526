//! On the memory store, in one thread.

use std::hint::black_box;
use std::num::NonZeroU32;
use std::time::Duration;

use anyhow::Context as _;
use criterion::Criterion;
use failsafe::CircuitBreaker as _;
use governor::{Quota, RateLimiter};
use tidegate::blocking::Tidegate;
use tidegate::{Algorithm, CircuitBreakerConfig, Limit, RateLimiterConfig};
use wasmtime::component::{Component, Linker, TypedFunc};
use wasmtime::{Config, Engine, Store};

/// More than can be asked for in a run: every decision is an admission.
const PLENTY: u32 = 1_000_000;

/// Keys in use at once, as a busy worker has.
const KEYS: usize = 1_000;

pub(crate) fn measure(criterion: &mut Criterion) -> anyhow::Result<()> {
    empty_call(criterion)?;
    let keys: Vec<String> = (0..KEYS).map(|user| format!("user-{user}")).collect();
    limiters(criterion, &keys)?;
    breakers(criterion)?;
    governor(criterion, &keys)?;
    failsafe(criterion);
    Ok(())
}

/// The floor: a call of a component's function that does nothing, on an engine set up as Tidegate's.
fn empty_call(criterion: &mut Criterion) -> anyhow::Result<()> {
    let (mut store, empty) = empty_component().map_err(|error| anyhow::anyhow!("{error:#}"))?;
    criterion.bench_function("empty component call", |bench| {
        bench.iter(|| {
            empty.call(&mut store, ()).expect("it does nothing");
        });
    });
    Ok(())
}

fn empty_component() -> wasmtime::Result<(Store<()>, TypedFunc<(), ()>)> {
    let component = wat::parse_str(
        r#"(component
            (core module $m (func (export "empty")))
            (core instance $i (instantiate $m))
            (func (export "empty") (canon lift (core func $i "empty"))))"#,
    )?;
    let mut config = Config::new();
    config.epoch_interruption(true);
    let engine = Engine::new(&config)?;
    let component = Component::new(&engine, component)?;
    let mut store = Store::new(&engine, ());
    store.set_epoch_deadline(1);
    let instance = Linker::new(&engine).instantiate(&mut store, &component)?;
    let empty = instance.get_typed_func::<(), ()>(&mut store, "empty")?;
    Ok((store, empty))
}

fn limiters(criterion: &mut Criterion, keys: &[String]) -> anyhow::Result<()> {
    let gate = Tidegate::builder().build()?;
    let algorithms = [
        ("gcra", Algorithm::Gcra { burst: None }),
        ("sliding window", Algorithm::default()),
        ("fixed window", Algorithm::FixedWindow),
    ];
    for (name, algorithm) in algorithms {
        let limit = Limit::per_second(PLENTY).by(algorithm);
        let limiter = gate.rate_limiter(RateLimiterConfig::new(name, limit))?;
        let mut next = keys.iter().cycle();
        criterion.bench_function(&format!("{name} on memory"), |bench| {
            bench.iter(|| {
                let key = next.next().expect("a cycle goes on");
                black_box(limiter.try_acquire(key.as_str()).expect("the memory store answers"));
            });
        });
    }
    Ok(())
}

fn breakers(criterion: &mut Criterion) -> anyhow::Result<()> {
    let gate = Tidegate::builder().build()?;
    let consecutive = CircuitBreakerConfig::consecutive("consecutive", 5);
    let rate = CircuitBreakerConfig::failure_rate("failure rate", 50.0);
    for (name, config) in [("breaker (consecutive)", consecutive), ("breaker (failure rate)", rate)] {
        let breaker = gate.circuit_breaker(config)?;
        criterion.bench_function(&format!("{name} on memory"), |bench| {
            bench.iter(|| {
                let report = breaker.admit().expect("the memory store answers");
                let permit = report.permit.context("the circuit is closed").expect("nothing failed");
                black_box(breaker.succeeded(permit, Duration::from_millis(3)).expect("the memory store answers"));
            });
        });
    }
    Ok(())
}

fn governor(criterion: &mut Criterion, keys: &[String]) -> anyhow::Result<()> {
    let quota = Quota::per_second(NonZeroU32::new(PLENTY).context("it is not zero")?);
    let limiter = RateLimiter::keyed(quota);
    let mut next = keys.iter().cycle();
    criterion.bench_function("governor keyed", |bench| {
        bench.iter(|| {
            let key = next.next().expect("a cycle goes on");
            black_box(limiter.check_key(key).is_ok());
        });
    });
    Ok(())
}

fn failsafe(criterion: &mut Criterion) {
    let breaker = failsafe::Config::new().build();
    criterion.bench_function("failsafe breaker", |bench| {
        bench.iter(|| black_box(breaker.call(|| Ok::<_, ()>(1)).is_ok()));
    });
}
