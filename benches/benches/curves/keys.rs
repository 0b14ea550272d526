//! Keys that are in use at once.

use std::hint::black_box;
use std::num::NonZeroU32;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use governor::Quota;
use tidegate::store::Memory;
use tidegate::{Algorithm, Ask, Limit, RateLimiterConfig, blocking};
use tidegate_benches::callers::together;
use tidegate_benches::group::{Group, timed};
use tidegate_benches::settings::Settings;

use crate::{Shared, curve};

const SIZES: [u64; 4] = [1, 1_000, 100_000, 1_000_000];
const CALLERS: u64 = 64;

/// A step from key to key that is prime to all sizes: neighbours in time are no neighbours in
/// memory.
const STRIDE: u64 = 7_919;

/// A limit that no key gets to the end of, and by which what was charged first is still in force at
/// the end.
const LIMIT: u32 = 100_000_000;
const FIRST_COST: u32 = 500_000;

pub(crate) fn measure(settings: &Settings) -> Result<()> {
    curve(settings, "keys on memory", &SIZES, on_memory)?;
    let shared = &Shared::start()?;
    curve(settings, "keys on Redis, 64 callers", &SIZES, |size, group| on_redis(shared, size, group))
}

fn limit() -> Limit {
    Limit::per_day(LIMIT).by(Algorithm::Gcra { burst: None })
}

fn keys(size: u64) -> Arc<[String]> {
    (0..size).map(|user| format!("user-{user}")).collect()
}

fn at(keys: &[String], turn: u64) -> &String {
    let size = keys.len() as u64;
    &keys[usize::try_from(turn.wrapping_mul(STRIDE) % size).unwrap_or(0)]
}

fn on_memory(size: u64, group: Group<'_>) -> Result<Group<'_>> {
    let gate = blocking::Tidegate::builder().memory(Memory::with_capacity(2_000_000)).build()?;
    let limiter = gate.rate_limiter(RateLimiterConfig::new("keys", limit()))?;
    let peer = governor::RateLimiter::keyed(Quota::per_second(NonZeroU32::new(LIMIT).context("it is not zero")?));
    let (keys, their_keys) = (keys(size), keys(size));
    for key in &*keys {
        limiter.try_acquire(Ask::of(key).cost(FIRST_COST))?;
        let _ = peer.check_key(key);
    }
    let (mut turn, mut their_turn) = (0, 0);
    Ok(group
        .beside("governor keyed", move |count| {
            timed(count, || {
                their_turn += 1;
                black_box(peer.check_key(at(&their_keys, their_turn)).is_ok());
            })
        })
        .work("gcra", move |count| {
            timed(count, || {
                turn += 1;
                black_box(limiter.try_acquire(at(&keys, turn)).expect("the memory store answers"));
            })
        }))
}

fn on_redis<'a>(shared: &'a Shared, size: u64, group: Group<'a>) -> Result<Group<'a>> {
    let (keys, their_keys) = (keys(size), keys(size));
    let plain = shared.plain.clone();
    let limiter = shared.limiter(&format!("keys-{size}"), limit())?;
    let decide = move |turn, cost| {
        let (limiter, keys) = (limiter.clone(), Arc::clone(&keys));
        async move {
            black_box(limiter.try_acquire(Ask::of(at(&keys, turn)).cost(cost)).await.expect("redis answers"));
        }
    };
    let script = move |turn| {
        let (plain, keys) = (plain.clone(), Arc::clone(&their_keys));
        async move { plain.gcra(at(&keys, turn)).await }
    };
    let (runtime, first) = (&shared.runtime, decide.clone());
    together(runtime, CALLERS, size, &move |turn| first(turn, FIRST_COST));
    let decide = move |turn| decide(turn, 1);
    Ok(group
        .beside("one EVALSHA", move |count| together(runtime, CALLERS, count, &script))
        .work("gcra", move |count| together(runtime, CALLERS, count, &decide)))
}
