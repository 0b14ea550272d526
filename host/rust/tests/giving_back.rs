//! What callers who have gone away held is given back by the time that a flush, or whoever waits
//! for it, says so.

#[allow(dead_code, reason = "each test target uses a part")]
mod support;

use std::future::pending;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use support::{Host, World};
use tidegate::{CircuitBreakerConfig, Failure, Limit, OnLimit, RateLimiter, RateLimiterConfig, State};

/// A limiter whose only permit is spent, with a queue for one.
async fn queue_of_one(host: &Host) -> RateLimiter {
    let queue = OnLimit::queue(1, Duration::from_hours(1));
    let config = RateLimiterConfig::new("api", Limit::per_day(1)).on_limit(queue);
    let limiter = host.gate.rate_limiter(config).expect("the configuration is valid");
    limiter.acquire("k").await.expect("the first is let go");
    limiter
}

async fn waiting(limiter: &RateLimiter) -> u32 {
    limiter.peek("k").await.expect("the store answers").waiting
}

/// Polls once.
fn is_pending(future: std::pin::Pin<&mut impl Future>) -> bool {
    matches!(future.poll(&mut Context::from_waker(Waker::noop())), Poll::Pending)
}

#[tokio::test]
async fn a_flush_waits_for_what_dropped_futures_held() {
    let world = World::new();
    let host = world.host();
    let limiter = queue_of_one(&host).await;
    for _ in 0..40 {
        let mut waiter = Box::pin(limiter.acquire("k"));
        while waiting(&limiter).await == 0 {
            assert!(is_pending(waiter.as_mut()), "it is not its turn for a day");
        }
        let held = world.link.hold().await;
        drop(waiter);
        let mut flush = pin!(host.gate.flush());
        assert!(is_pending(flush.as_mut()), "the store has not heard of it yet");
        drop(held);
        flush.await;
        assert_eq!(waiting(&limiter).await, 0);
    }
}

#[tokio::test]
async fn a_probe_of_a_dropped_call_is_free_after_a_flush() {
    let world = World::new();
    let host = world.host();
    let config = CircuitBreakerConfig::consecutive("c", 1);
    let breaker = host.gate.circuit_breaker(config).expect("the configuration is valid");
    let permit = breaker.admit().await.expect("the store answers").permit.expect("it is closed");
    breaker.failed(permit, Duration::ZERO, Failure::default()).await.expect("the store answers");
    world.pass(Duration::from_secs(31));
    for _ in 0..40 {
        let mut call = Box::pin(breaker.call(pending::<Result<(), std::io::Error>>()));
        while breaker.status().await.expect("the store answers").probes == 0 {
            assert!(is_pending(call.as_mut()), "nothing comes back");
        }
        drop(call);
        host.gate.flush().await;
        let report = breaker.status().await.expect("the store answers");
        assert_eq!((report.state, report.probes), (State::HalfOpen, 0));
    }
}

#[tokio::test]
async fn one_who_drops_a_future_can_wait_for_just_that() {
    let world = World::new();
    let host = world.host();
    let limiter = queue_of_one(&host).await;
    for _ in 0..40 {
        let mut waiter = Box::pin(limiter.acquire("k"));
        while waiting(&limiter).await == 0 {
            assert!(is_pending(waiter.as_mut()), "it is not its turn for a day");
        }
        tidegate::given_back(|| drop(waiter)).await;
        assert_eq!(waiting(&limiter).await, 0);
    }
}

/// Its commit is on its way: what it gives is known later, and taken back then.
#[tokio::test]
async fn one_who_drops_a_call_on_its_way_can_wait_for_its_end() {
    let world = World::new();
    let host = world.host();
    let config = RateLimiterConfig::new("api", Limit::per_day(1));
    let limiter = host.gate.rate_limiter(config).expect("the configuration is valid");
    limiter.peek("k").await.expect("the store answers");
    let held = world.link.hold().await;
    let mut call = Box::pin(limiter.try_acquire("k"));
    assert!(is_pending(call.as_mut()));
    let mut given_back = pin!(tidegate::given_back(|| drop(call)));
    assert!(is_pending(given_back.as_mut()), "its commit is on its way");
    drop(held);
    given_back.await;
    assert_eq!(limiter.peek("k").await.expect("the store answers").count, 0);
}
