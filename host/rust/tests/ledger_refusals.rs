//! Refusals that need no round trip.

#[allow(dead_code, reason = "each test target uses a part")]
mod support;

use std::time::Duration;

use support::{Host, World};
use tidegate::{
    Builder, CircuitBreakerConfig, Decision, Effect, Failure, Limit, RateLimiter, RateLimiterConfig, Verdict,
};

/// A host that has had all of two permits and was refused a third.
struct Exhausted {
    world: World,
    host: Host,
    limiter: RateLimiter,
    charges: [Decision; 2],
}

async fn exhausted(set: impl FnOnce(Builder) -> Builder) -> Exhausted {
    let world = World::new();
    let host = world.host_with(set);
    let limiter = two_a_second(&host);
    let charges = [ask(&limiter).await, ask(&limiter).await];
    assert_eq!(ask(&limiter).await.verdict, Verdict::Denied);
    Exhausted { world, host, limiter, charges }
}

fn two_a_second(host: &Host) -> RateLimiter {
    let config = RateLimiterConfig::new("api", Limit::per_second(2));
    host.gate.rate_limiter(config).expect("the configuration is valid")
}

async fn ask(limiter: &RateLimiter) -> Decision {
    limiter.try_acquire("k").await.expect("the store answers")
}

impl Exhausted {
    fn commits(&self) -> u64 {
        self.host.gate.stats().commits
    }
}

#[tokio::test]
async fn overload_does_not_reach_the_store_and_retry_after_goes_on_counting_down() {
    let on = exhausted(|builder| builder).await;
    let before = on.commits();
    let first = ask(&on.limiter).await;
    on.world.pass(Duration::from_millis(40));
    let second = ask(&on.limiter).await;
    assert_eq!((first.verdict, second.verdict), (Verdict::Denied, Verdict::Denied));
    assert_eq!(first.retry_after, second.retry_after + Duration::from_millis(40));
    assert_eq!(on.commits(), before);
    assert_eq!(on.host.gate.stats().local, 2);
}

#[tokio::test]
async fn what_is_known_is_asked_for_again_after_a_tenth_of_a_second() {
    let on = exhausted(|builder| builder.max_staleness(Duration::from_hours(1))).await;
    let before = on.commits();
    on.world.pass(Duration::from_millis(99));
    ask(&on.limiter).await;
    assert_eq!(on.commits(), before);
    on.world.pass(Duration::from_millis(1));
    ask(&on.limiter).await;
    assert_eq!(on.commits(), before + 1);
}

#[tokio::test]
async fn a_permit_that_has_come_back_by_itself_is_given_at_once() {
    let on = exhausted(|builder| builder).await;
    let denied = ask(&on.limiter).await;
    on.world.pass(denied.retry_after.saturating_sub(Duration::from_millis(50)));
    assert_eq!(ask(&on.limiter).await.verdict, Verdict::Denied);
    on.world.pass(Duration::from_millis(50));
    assert_eq!(ask(&on.limiter).await.verdict, Verdict::Allowed);
}

#[tokio::test]
async fn a_refund_by_this_host_is_noticed_at_once_and_one_by_another_within_the_bound() {
    let on = exhausted(|builder| builder).await;
    on.limiter.refund("k", &on.charges[0]).await.expect("the store answers");
    assert_eq!(ask(&on.limiter).await.verdict, Verdict::Allowed);
    assert_eq!(ask(&on.limiter).await.verdict, Verdict::Denied);
    two_a_second(&on.world.host()).refund("k", &on.charges[1]).await.expect("the store answers");
    assert_eq!(ask(&on.limiter).await.verdict, Verdict::Denied);
    on.world.pass(Duration::from_millis(100));
    assert_eq!(ask(&on.limiter).await.verdict, Verdict::Allowed);
}

#[tokio::test]
async fn with_no_staleness_every_refusal_is_the_stores() {
    let on = exhausted(|builder| builder.max_staleness(Duration::ZERO)).await;
    let before = on.commits();
    ask(&on.limiter).await;
    assert_eq!(on.commits(), before + 1);
}

#[tokio::test]
async fn a_cheaper_call_is_not_refused_because_a_dearer_one_was() {
    let world = World::new();
    let limiter = two_a_second(&world.host());
    assert_eq!(ask(&limiter).await.verdict, Verdict::Allowed);
    let dear = limiter.try_acquire(tidegate::Ask::of("k").cost(2)).await.expect("the store answers");
    assert_eq!(dear.verdict, Verdict::Denied);
    assert_eq!(ask(&limiter).await.verdict, Verdict::Allowed);
}

#[tokio::test]
async fn an_open_circuit_fails_fast_without_a_round_trip_until_its_time_is_over() {
    let world = World::new();
    let host = world.host();
    let breaker = host.gate.circuit_breaker(CircuitBreakerConfig::consecutive("c", 1)).expect("it is valid");
    let permit = breaker.admit().await.expect("the store answers").permit.expect("it is closed");
    breaker.failed(permit, Duration::ZERO, Failure::default()).await.expect("the store answers");
    assert_eq!(breaker.admit().await.expect("the store answers").effect, Effect::RefusedOpen);
    let before = host.gate.stats().commits;
    for _ in 0..5 {
        assert_eq!(breaker.admit().await.expect("it is known").effect, Effect::RefusedOpen);
    }
    assert_eq!(host.gate.stats().commits, before);
    world.pass(breaker.admit().await.expect("it is known").retry_after);
    assert_eq!(breaker.admit().await.expect("the store answers").effect, Effect::Admitted);
}
