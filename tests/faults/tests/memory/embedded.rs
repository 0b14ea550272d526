//! The memory store, on a clock that is moved by hand.

use std::fmt::Write as _;
use std::time::Duration;

use tidegate::blocking::Tidegate;
use tidegate::store::{Memory, StoreError, WhenFull};
use tidegate::{Algorithm, CircuitBreakerConfig, Error, Failure, Limit, ManualClock, RateLimiterConfig};

use crate::{Growth, turn};

const ALGORITHMS: [Algorithm; 6] = [
    Algorithm::SlidingWindow { sub_windows: 64 },
    Algorithm::SlidingLog,
    Algorithm::Gcra { burst: None },
    Algorithm::TokenBucket { burst: None },
    Algorithm::FixedWindow,
    Algorithm::SlidingWindowCounter,
];

fn gate(memory: &Memory, clock: &ManualClock) -> Tidegate {
    Tidegate::builder().memory(memory.clone()).clock(clock.clone()).build().expect("the component loads")
}

#[test]
fn five_million_decisions_on_a_few_keys_leave_nothing_behind() {
    const ROUNDS: usize = 5_000_000 / 8;
    let turn = turn();
    let (memory, clock) = (Memory::new(), ManualClock::new());
    let gate = gate(&memory, &clock);
    let limiter = |algorithm| gate.rate_limiter(RateLimiterConfig::new("few", Limit::per_second(100).by(algorithm)));
    let limiters = ALGORITHMS.map(|algorithm| limiter(algorithm).expect("it is valid"));
    let breaker = gate.circuit_breaker(CircuitBreakerConfig::failure_rate("few", 50.0)).expect("it is valid");
    let keys = ["amber", "birch", "fjord", "heath"];
    let round = |round: usize| {
        let key = keys[round % keys.len()];
        for limiter in &limiters {
            limiter.try_acquire(key).expect("there is room");
        }
        // Two decisions: whether to go, and what came of it.
        let breaker = breaker.keyed(key);
        if let Some(permit) = breaker.admit().expect("there is room").permit {
            let fails = round.is_multiple_of(3);
            let elapsed = Duration::from_millis(1);
            let told = if fails {
                breaker.failed(permit, elapsed, Failure::default())
            } else {
                breaker.succeeded(permit, elapsed)
            };
            told.expect("there is room");
        }
        clock.advance(Duration::from_millis(1));
    };
    (0..ROUNDS / 10).for_each(round);
    let growth = Growth::begin(turn);
    (0..ROUNDS).for_each(round);
    growth.end_flat();
    // An entity for each key of each algorithm's cells, and of the circuit.
    assert!(memory.len() <= 2 * keys.len(), "{} entities", memory.len());
}

#[test]
fn a_million_keys_that_come_once_are_forgotten_when_their_time_is_over() {
    const KEYS: usize = 1_000_000;
    const CAPACITY: usize = 20_000;
    let turn = turn();
    let (memory, clock) = (Memory::with_capacity(CAPACITY), ManualClock::new());
    let gate = gate(&memory, &clock);
    let limiters = ALGORITHMS.map(|algorithm| {
        let limit = Limit::per(2, Duration::from_millis(10)).by(algorithm);
        gate.rate_limiter(RateLimiterConfig::new(format!("{algorithm:?}"), limit)).expect("it is valid")
    });
    let mut text = String::new();
    let mut come = |keys: std::ops::Range<usize>| {
        for number in keys {
            text.clear();
            write!(text, "user {number}").expect("text takes text");
            limiters[number % limiters.len()]
                .try_acquire(text.as_str())
                .expect("there is room, since others have left");
            if number.is_multiple_of(5) {
                clock.advance(Duration::from_millis(1));
            }
        }
    };
    come(0..KEYS / 10);
    let growth = Growth::begin(turn);
    come(KEYS / 10..KEYS + KEYS / 10);
    growth.end_flat();
    assert!(memory.len() <= CAPACITY, "{} entities", memory.len());
    assert_eq!(memory.forgotten().entities, 0, "there was room for all who were in use");
}

#[test]
fn a_million_keys_that_stay_displace_each_other_once_the_store_is_full() {
    const KEYS: usize = 1_000_000;
    const CAPACITY: usize = 10_000;
    let turn = turn();
    let (memory, clock) = (Memory::with_capacity(CAPACITY), ManualClock::new());
    let limiter = gate(&memory, &clock).rate_limiter(RateLimiterConfig::new("many", Limit::per_day(1)));
    let limiter = limiter.expect("it is valid");
    let come = |number: usize| {
        assert!(limiter.try_acquire(format!("user {number}").as_str()).expect("it is served").is_allowed());
    };
    (0..KEYS / 10).for_each(come);
    let growth = Growth::begin(turn);
    (KEYS / 10..KEYS).for_each(come);
    growth.end_flat();
    assert!(memory.len() <= CAPACITY + 64, "{} entities", memory.len());
    assert_eq!(memory.forgotten().entities + memory.len() as u64, KEYS as u64);
}

#[test]
fn a_million_keys_that_stay_are_refused_once_the_store_is_full() {
    const KEYS: usize = 1_000_000;
    const CAPACITY: usize = 10_000;
    let turn = turn();
    let (memory, clock) =
        (Memory::builder().capacity(CAPACITY).when_full(WhenFull::Refuse).build(), ManualClock::new());
    let limiter = gate(&memory, &clock).rate_limiter(RateLimiterConfig::new("many", Limit::per_day(1)));
    let limiter = limiter.expect("it is valid");
    let come = |number: usize| match limiter.try_acquire(format!("user {number}").as_str()) {
        Ok(_) => 0_usize,
        Err(Error::Store(StoreError::Full { capacity: CAPACITY })) => 1,
        Err(other) => panic!("{other:?}"),
    };
    let mut refused: usize = (0..KEYS / 10).map(come).sum();
    let growth = Growth::begin(turn);
    refused += (KEYS / 10..KEYS).map(come).sum::<usize>();
    growth.end_flat();
    assert!(memory.len() <= CAPACITY + 64, "{} entities", memory.len());
    assert_eq!(refused + memory.len(), KEYS);
}
