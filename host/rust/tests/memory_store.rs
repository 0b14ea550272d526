//! The memory store: the suite of all stores behind the commit protocol, and its bounds.

use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use tidegate::store::{BoxFuture, MemoryStore, Store, StoreError};
use tidegate::{
    Error, Limit, ManualClock, Memory, RateLimiter, RateLimiterConfig, Tidegate, WhenAway, WhenFull, blocking,
};
use tidegate_test_support::store_suite::{self, Bench, Subject, batches, follows_the_model};

struct MemorySubject {
    store: MemoryStore,
    clock: ManualClock,
}

impl MemorySubject {
    fn new() -> Self {
        let clock = ManualClock::new();
        Self { store: MemoryStore::new(Memory::new(), Arc::new(clock.clone())), clock }
    }
}

impl Subject for MemorySubject {
    fn store(&self) -> &dyn Store {
        &self.store
    }

    fn pass_ms(&self, ms: u64) -> BoxFuture<'_, ()> {
        self.clock.advance(Duration::from_millis(ms));
        Box::pin(std::future::ready(()))
    }
}

#[tokio::test]
async fn does_what_every_store_must_do() {
    store_suite::run(&MemorySubject::new()).await;
}

proptest! {
    #[test]
    fn random_batches_give_what_the_model_gives(batches in batches()) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime starts");
        let subject = MemorySubject::new();
        runtime.block_on(follows_the_model(&Bench::new(&subject.store), &batches))?;
    }
}

/// One permit in ten milliseconds, on a store of this many entities.
fn limiter_on(memory: &Memory, clock: &ManualClock) -> RateLimiter {
    let gate = Tidegate::builder().memory(memory.clone()).clock(clock.clone()).build().expect("the component loads");
    gate.rate_limiter(brief()).expect("the configuration is valid")
}

/// A store of 64 entities that turns newcomers away when it is full.
fn refusing() -> Memory {
    Memory::builder().capacity(64).when_full(WhenFull::Refuse).build()
}

fn brief() -> RateLimiterConfig {
    RateLimiterConfig::new("api", Limit::per(1, Duration::from_millis(10)))
}

#[tokio::test]
async fn keys_that_are_of_no_more_use_make_room_for_three_hundred_thousand_others() {
    // Each key is of use for little more than a second, in which ten thousand others come.
    let (memory, clock) = (Memory::with_capacity(40_000), ManualClock::new());
    let limiter = limiter_on(&memory, &clock);
    let mut most = 0;
    for number in 0..300_000_u32 {
        let decision = limiter.try_acquire(format!("user {number}").as_str()).await.expect("there is room");
        assert!(decision.is_allowed());
        if number % 1_000 == 0 {
            most = most.max(memory.len());
            clock.advance(Duration::from_millis(100));
        }
    }
    assert!((10_000..=25_000).contains(&most), "it held up to {most} keys");
}

#[tokio::test]
async fn one_that_refuses_newcomers_is_a_typed_error_for_them_and_serves_those_it_holds() {
    let (memory, clock) = (refusing(), ManualClock::new());
    let limiter = limiter_on(&memory, &clock);
    let mut full = 0;
    for number in 0..1_000_u32 {
        match limiter.try_acquire(format!("user {number}").as_str()).await {
            Ok(decision) => assert!(decision.is_allowed()),
            Err(Error::Store(StoreError::Full { capacity })) => {
                assert_eq!(capacity, 64);
                full += 1;
            }
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!((memory.len(), full), (64, 936));
    assert!(!limiter.try_acquire("user 0").await.expect("it is held").is_allowed());
    clock.advance(Duration::from_secs(5));
    assert!(limiter.try_acquire("user 999").await.expect("the others have expired").is_allowed());
}

#[tokio::test]
async fn one_that_refuses_newcomers_answers_them_as_the_limiter_says() {
    let (memory, clock) = (refusing(), ManualClock::new());
    let gate = Tidegate::builder().memory(memory.clone()).clock(clock).build().expect("the component loads");
    for (when_away, allowed) in [(WhenAway::Open, true), (WhenAway::Closed, false)] {
        let limiter = gate.rate_limiter(brief().when_away(when_away)).expect("the configuration is valid");
        let mut degraded = 0;
        for number in 0..1_000_u32 {
            let decision = limiter.try_acquire(format!("{when_away:?} {number}").as_str()).await.expect("chosen");
            degraded += u32::from(decision.degraded);
            assert!(!decision.degraded || decision.is_allowed() == allowed);
        }
        assert!(degraded >= 936, "{degraded}");
    }
}

#[test]
fn threads_on_one_key_admit_exactly_the_limit() {
    let gate = blocking::Tidegate::builder().clock(ManualClock::new()).build().expect("the component loads");
    let config = RateLimiterConfig::new("api", Limit::per_second(1_000));
    let limiter = gate.rate_limiter(config).expect("the configuration is valid");
    let admitted: usize = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(|| {
                    let ask = |_: &u32| limiter.try_acquire("k").expect("there is an answer").is_allowed();
                    (0..500_u32).filter(ask).count()
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().expect("no thread panics")).sum()
    });
    assert_eq!(admitted, 1_000);
    assert_eq!(limiter.peek("k").expect("there is an answer").count, 1_000);
}
