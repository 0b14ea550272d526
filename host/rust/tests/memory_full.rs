//! A memory store that is full: whom it forgets, what that may admit too much, and who is told.

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tidegate::{
    Ask, CircuitBreakerConfig, Failure, Forgotten, Limit, ManualClock, Memory, RateLimiterConfig, State, blocking,
};

const LIMIT: u32 = 5;
const WINDOW: Duration = Duration::from_secs(1);

fn gate(memory: &Memory, clock: &ManualClock) -> blocking::Tidegate {
    blocking::Tidegate::builder().memory(memory.clone()).clock(clock.clone()).build().expect("the component loads")
}

fn limiter(gate: &blocking::Tidegate, limit: Limit) -> blocking::RateLimiter {
    gate.rate_limiter(RateLimiterConfig::new("api", limit)).expect("the configuration is valid")
}

#[test]
fn a_flood_of_made_up_keys_is_served_and_displaces_nobody_who_counts_more() {
    let (memory, clock) = (Memory::with_capacity(6_400), ManualClock::new());
    let limiter = limiter(&gate(&memory, &clock), Limit::per_minute(100));
    let regulars: Vec<String> = (0..2_000).map(|number| format!("regular {number}")).collect();
    for regular in &regulars {
        assert!(limiter.try_acquire(Ask::of(regular).cost(50)).expect("there is room").is_allowed());
    }
    for number in 0..100_000 {
        assert!(limiter.try_acquire(format!("made up {number}").as_str()).expect("it is served").is_allowed());
    }
    for regular in &regulars {
        assert_eq!(limiter.peek(regular.as_str()).expect("there is an answer").count, 50, "{regular}");
    }
    // 64 shards fill up one by one, to a hundred each.
    let forgotten = memory.forgotten();
    assert!((95_000..=100_000).contains(&forgotten.entities), "{forgotten:?}");
    assert_eq!(forgotten.permits, forgotten.entities, "each made-up key had one permit");
}

#[test]
fn an_open_circuit_outlives_a_flood_of_keys() {
    let (memory, clock) = (Memory::with_capacity(640), ManualClock::new());
    let gate = gate(&memory, &clock);
    let limiter = limiter(&gate, Limit::per_minute(100));
    let breaker = gate
        .circuit_breaker(CircuitBreakerConfig::consecutive("payments", 1).open_for(Duration::from_mins(1)))
        .expect("the configuration is valid");
    let permit = breaker.admit().expect("there is an answer").permit.expect("it is closed");
    breaker.failed(permit, Duration::ZERO, Failure::default()).expect("there is an answer");
    for number in 0..20_000 {
        limiter.try_acquire(Ask::of(&format!("made up {number}")).cost(99)).expect("it is served");
    }
    assert_eq!(breaker.status().expect("there is an answer").state, State::Open);
}

#[test]
fn a_listener_is_told_at_once_and_the_gate_counts() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&told);
    let memory = Memory::builder()
        .capacity(64)
        .on_forgotten(move |forgotten: Forgotten| seen.lock().expect("nobody panicked").push(forgotten.entities))
        .build();
    let clock = ManualClock::new();
    let gate = gate(&memory, &clock);
    let limiter = limiter(&gate, Limit::per_minute(100));
    let flood = |name: &str| {
        for number in 0..1_000 {
            limiter.try_acquire(format!("{name} {number}").as_str()).expect("it is served");
        }
    };
    flood("first");
    assert_eq!(*told.lock().expect("nobody panicked"), [1], "at once, and not again within a second");
    clock.advance(Duration::from_secs(1));
    flood("second");
    assert_eq!(told.lock().expect("nobody panicked").len(), 2);
    assert_eq!(gate.stats().forgotten, memory.forgotten().entities);
    assert_eq!(memory.len(), 64);
}

/// Numbers of a seed: xorshift64* (Vigna, 2016).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % bound
    }
}

/// By how many permits a key was ever over the limit in any window.
fn excess(times_us: &[u64]) -> u64 {
    let window_us = u64::try_from(WINDOW.as_micros()).expect("it is short");
    let in_window = |end: usize| times_us[..=end].iter().filter(|time| **time + window_us > times_us[end]).count();
    let most = (0..times_us.len()).map(in_window).max().unwrap_or(0) as u64;
    most.saturating_sub(u64::from(LIMIT))
}

#[test]
fn no_more_is_admitted_too_much_than_counted_in_what_was_forgotten() {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is after 1970");
    let first =
        std::env::var("TIDEGATE_SEED").map_or(since.as_secs(), |seed| seed.parse().expect("a seed is a number"));
    for seed in first..first + 30 {
        let mut random = Random(seed | 1);
        let (memory, clock) = (Memory::with_capacity(64), ManualClock::at_us(0));
        let limiter = limiter(&gate(&memory, &clock), Limit::per_second(LIMIT));
        let keys: Vec<String> = (0..50 + random.below(300)).map(|key| key.to_string()).collect();
        let mut admitted = vec![Vec::new(); keys.len()];
        let mut now_us = 0;
        for _ in 0..3_000 {
            let step_us = random.below(4_000);
            clock.advance(Duration::from_micros(step_us));
            now_us += step_us;
            // Some keys come often, most seldom.
            let widest = keys.len() as u64;
            let chosen = usize::try_from(random.below(widest).min(random.below(widest))).expect("a few");
            if limiter.try_acquire(keys[chosen].as_str()).expect("it is served").is_allowed() {
                admitted[chosen].push(now_us);
            }
        }
        let excess: u64 = admitted.iter().map(|times_us| excess(times_us)).sum();
        let Forgotten { entities, permits } = memory.forgotten();
        assert!(
            excess <= permits,
            "{excess} permits too many, {permits} in {entities} forgotten; replay: TIDEGATE_SEED={seed}"
        );
        assert!(entities > 0, "nothing was forgotten; replay: TIDEGATE_SEED={seed}");
    }
}
