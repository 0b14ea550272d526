//! Leases: what this host holds costs no round trip, and is never more than the store has charged.

#[path = "ledger_leases/many.rs"]
mod many;
#[path = "ledger_leases/redis.rs"]
mod redis;
#[allow(dead_code, reason = "each test target uses a part")]
mod support;

use std::time::Duration;

use support::{Fault, Host, World};
use tidegate::{Algorithm, Ask, Decision, Lease, Limit, RateLimiter, RateLimiterConfig, Verdict};

const LIFE: Duration = Duration::from_secs(1);

/// A hundred a minute, of which a host leases at most 16 for a second.
fn config(algorithm: Algorithm) -> RateLimiterConfig {
    RateLimiterConfig::new("api", Limit::per_minute(100).by(algorithm)).lease(Lease::new(16, LIFE))
}

/// All, with bursts that leave some to be leased.
fn algorithms() -> impl Iterator<Item = Algorithm> {
    let whole = |algorithm| match algorithm {
        Algorithm::TokenBucket { .. } => Algorithm::TokenBucket { burst: None },
        other => other,
    };
    support::algorithms().into_iter().map(whole)
}

fn limiter(host: &Host) -> RateLimiter {
    limiter_by(host, Algorithm::default())
}

fn limiter_by(host: &Host, algorithm: Algorithm) -> RateLimiter {
    host.gate.rate_limiter(config(algorithm)).expect("the configuration is valid")
}

async fn ask(limiter: &RateLimiter) -> Decision {
    limiter.try_acquire("k").await.expect("the store answers")
}

/// This many calls, one after the other.
async fn calls(limiter: &RateLimiter, count: usize) -> Vec<Decision> {
    let mut decisions = Vec::new();
    for _ in 0..count {
        decisions.push(ask(limiter).await);
    }
    decisions
}

/// What the store has charged, as a host sees that holds nothing.
async fn charged(world: &World) -> u32 {
    limiter(&world.host()).peek("k").await.expect("the store answers").count
}

fn leased(decisions: &[Decision]) -> usize {
    decisions.iter().filter(|decision| decision.leased).count()
}

#[tokio::test]
async fn a_spent_permit_costs_no_round_trip() {
    for algorithm in algorithms() {
        let world = World::new();
        let host = world.host();
        let config = RateLimiterConfig::new("api", Limit::per_minute(1_000).by(algorithm));
        let limiter = host.gate.rate_limiter(config.lease(Lease::new(16, LIFE))).expect("it is valid");
        let decisions = calls(&limiter, 31).await;
        assert!(decisions.iter().all(Decision::is_allowed), "{algorithm:?}");
        let stats = host.gate.stats();
        assert_eq!(stats.commits, 5, "{algorithm:?}: {stats:?}");
        assert_eq!((stats.leased, leased(&decisions)), (26, 26), "{algorithm:?}");
    }
}

#[tokio::test]
async fn what_is_held_is_charged_and_known_to_others() {
    let world = World::new();
    let host = world.host();
    let limiter = limiter(&host);
    calls(&limiter, 16).await;
    assert_eq!(charged(&world).await, 31);
    let peeked = limiter.peek("k").await.expect("it is held");
    assert_eq!((peeked.leased, peeked.remaining), (true, 15));
}

/// Counted by the store's clock, so neither by when the host has heard of it nor by how far its own
/// clock is off.
#[tokio::test]
async fn a_lease_is_over_after_its_life() {
    let world = World::new();
    let host = world.host_off_by(-50_000);
    let limiter = limiter(&host);
    calls(&limiter, 16).await;
    world.pass(LIFE.saturating_sub(Duration::from_micros(1)));
    assert!(ask(&limiter).await.leased);
    world.pass(Duration::from_micros(1));
    assert!(!ask(&limiter).await.leased);
}

#[tokio::test]
async fn what_is_left_goes_back_when_the_lease_ends_without_anybody_asking() {
    let world = World::new();
    let host = world.host();
    let limiter = limiter(&host);
    calls(&limiter, 20).await;
    assert_eq!(charged(&world).await, 31);
    let held_up = world.link.hold().await;
    world.pass(LIFE + Duration::from_millis(1));
    world.link.waiting(1).await;
    drop(held_up);
    // It says that all is done.
    host.gate.flush().await;
    assert_eq!(charged(&world).await, 20);
    assert_eq!(host.gate.stats().released, 11);
}

/// One task waits for the latest lease: an earlier one that ends meanwhile is not given back early.
#[tokio::test]
async fn a_later_lease_is_not_given_back_when_an_earlier_one_ends() {
    let world = World::new();
    let host = world.host();
    let limiter = limiter(&host);
    calls(&limiter, 15).await;
    world.pass(LIFE / 2);
    ask(&limiter).await;
    world.pass(LIFE / 2 + Duration::from_millis(1));
    tokio::task::yield_now().await;
    assert!(ask(&limiter).await.leased);
    assert_eq!(charged(&world).await, 31);
}

#[tokio::test]
async fn a_flush_gives_back_all_that_is_held() {
    let world = World::new();
    let host = world.host();
    let limiter = limiter(&host);
    for key in ["k", "l", "m"] {
        for _ in 0..8 {
            limiter.try_acquire(key).await.expect("the store answers");
        }
    }
    assert_eq!(charged(&world).await, 15);
    host.gate.flush().await;
    assert_eq!(charged(&world).await, 8);
    assert_eq!(host.gate.stats().released, 3 * 7);
    assert!(!ask(&limiter).await.leased);
}

#[tokio::test]
async fn a_host_that_dies_strands_one_lease_until_its_window_has_passed() {
    let world = World::new();
    let host = world.host();
    calls(&limiter(&host), 16).await;
    drop(host);
    let other = limiter(&world.host());
    let all_left = other.try_acquire(Ask::of("k").cost(69)).await.expect("the store answers");
    assert_eq!(all_left.verdict, Verdict::Allowed);
    assert_eq!(ask(&other).await.verdict, Verdict::Denied);
    world.pass(Duration::from_secs(68));
    let all = other.try_acquire(Ask::of("k").cost(100)).await.expect("the store answers");
    assert_eq!(all.verdict, Verdict::Allowed);
}

#[tokio::test]
async fn hosts_that_lease_admit_no_more_than_the_limit_together() {
    for algorithm in algorithms() {
        let world = World::new();
        let hosts = [world.host(), world.host_off_by(-3), world.host_off_by(1_000)];
        let limiters = hosts.each_ref().map(|host| limiter_by(host, algorithm));
        let mut allowed = 0;
        for round in 0..300 {
            allowed += usize::from(ask(&limiters[round % 3]).await.is_allowed());
            world.pass(Duration::from_micros(500));
        }
        assert!((90..=100).contains(&allowed), "{algorithm:?}: {allowed}");
        let stats: Vec<u64> = hosts.iter().map(|host| host.gate.stats().leased).collect();
        assert!(stats.iter().sum::<u64>() > 30, "{algorithm:?}: {stats:?}");
    }
}

#[tokio::test]
async fn a_refusal_needs_no_round_trip_and_gives_up_no_permit() {
    let world = World::new();
    let host = world.host();
    let limiter = limiter(&host);
    calls(&limiter, 16).await;
    let rest = limiter.try_acquire(Ask::of("k").cost(69)).await.expect("the store answers");
    assert_eq!(rest.verdict, Verdict::Allowed);
    let dear = || async { limiter.try_acquire(Ask::of("k").cost(16)).await.expect("it is known").verdict };
    assert_eq!(dear().await, Verdict::Denied);
    let commits = host.gate.stats().commits;
    assert_eq!(dear().await, Verdict::Denied);
    let verdicts: Vec<Verdict> = calls(&limiter, 16).await.iter().map(|decision| decision.verdict).collect();
    assert_eq!(verdicts[..15], [Verdict::Allowed; 15]);
    assert_eq!(verdicts[15], Verdict::Denied);
    assert_eq!(host.gate.stats().commits, commits);
}

#[tokio::test]
async fn callers_that_meet_spend_the_lease_that_the_first_of_them_takes() {
    let world = World::new();
    let host = world.host();
    let limiter = limiter(&host);
    calls(&limiter, 7).await;
    let held_up = world.link.hold().await;
    let tasks: Vec<_> = (0..40)
        .map(|_| {
            let limiter = limiter.clone();
            tokio::spawn(async move { ask(&limiter).await })
        })
        .collect();
    world.link.waiting(1).await;
    drop(held_up);
    let mut decisions = Vec::new();
    for task in tasks {
        decisions.push(task.await.expect("it ends"));
    }
    assert!(decisions.iter().all(Decision::is_allowed));
    let stats = host.gate.stats();
    assert!(leased(&decisions) >= 36 && stats.commits <= 5, "{} {stats:?}", leased(&decisions));
}

#[tokio::test]
async fn a_caller_that_goes_away_leaves_its_permit_in_the_lease() {
    let world = World::new();
    let host = world.host();
    let limiter = limiter(&host);
    calls(&limiter, 16).await;
    let held_up = world.link.hold().await;
    let dear = {
        let limiter = limiter.clone();
        tokio::spawn(async move { limiter.try_acquire(Ask::of("k").cost(16)).await })
    };
    world.link.waiting(1).await;
    let gone = {
        let limiter = limiter.clone();
        tokio::spawn(async move { ask(&limiter).await })
    };
    tokio::task::yield_now().await;
    gone.abort();
    assert!(gone.await.is_err());
    drop(held_up);
    assert!(dear.await.expect("it ends").is_ok_and(|decision| decision.is_allowed()));
    // What is in line before it is done by then.
    let peeked = loop {
        let peeked = limiter.peek("k").await.expect("it is held");
        if peeked.remaining == 15 {
            break peeked;
        }
    };
    assert!(peeked.leased);
    assert_eq!(charged(&world).await, 47);
}

#[tokio::test]
async fn a_refund_of_a_held_permit_needs_no_round_trip() {
    let world = World::new();
    let host = world.host();
    let limiter = limiter(&host);
    calls(&limiter, 16).await;
    let commits = host.gate.stats().commits;
    for _ in 0..100 {
        let decision = ask(&limiter).await;
        assert!(decision.leased);
        let after = limiter.refund("k", &decision).await.expect("it is held");
        assert_eq!((after.leased, after.remaining), (true, 15));
    }
    assert_eq!(host.gate.stats().commits, commits);
}

#[tokio::test]
async fn calls_go_on_a_lease_while_the_store_is_away() {
    let world = World::new();
    let host = world.host();
    let limiter = limiter(&host);
    calls(&limiter, 16).await;
    world.link.fail_next(1, Fault::Away);
    assert!(limiter.try_acquire(Ask::of("k").cost(16)).await.is_err());
    assert_eq!(leased(&calls(&limiter, 15).await), 15);
}

/// The store may have charged it or not; nobody knows.
#[tokio::test]
async fn a_lease_whose_commit_failed_is_not_held() {
    let world = World::new();
    let host = world.host();
    let limiter = limiter(&host);
    calls(&limiter, 15).await;
    world.link.fail_next(1, Fault::Away);
    assert!(limiter.try_acquire("k").await.is_err());
    let next = ask(&limiter).await;
    assert!(!next.leased && next.release_after.is_none(), "it starts over: {next:?}");
}

/// The same for one that was given back: were it still held, it would be given twice.
#[tokio::test]
async fn a_lease_whose_release_failed_is_not_held() {
    let world = World::new();
    let host = world.host();
    let limiter = limiter(&host);
    calls(&limiter, 16).await;
    world.link.fail_next(1, Fault::Away);
    host.gate.flush().await;
    assert!(!ask(&limiter).await.leased);
}

#[tokio::test]
async fn a_refused_commit_changes_nothing_of_what_is_held() {
    let world = World::new();
    let host = world.host();
    let limiter = limiter(&host);
    calls(&limiter, 15).await;
    world.link.fail_next(2, Fault::Refuse);
    let taken = ask(&limiter).await;
    assert!(taken.release_after.is_some());
    assert_eq!(leased(&calls(&limiter, 15).await), 15);
    assert!(!ask(&limiter).await.leased);
}

/// By that clock the lease would last ten seconds longer than the store allows.
#[tokio::test]
async fn a_clock_that_was_set_back_spends_no_lease_before_the_store_is_asked() {
    let world = World::new();
    let host = world.host();
    let limiter = limiter(&host);
    calls(&limiter, 16).await;
    host.jump(-10_000);
    let commits = host.gate.stats().commits;
    ask(&limiter).await;
    assert!(host.gate.stats().commits > commits);
}

#[tokio::test]
async fn another_configuration_of_the_name_does_not_spend_the_lease() {
    let world = World::new();
    let host = world.host();
    let leasing = limiter(&host);
    calls(&leasing, 16).await;
    let plain = RateLimiterConfig { lease: None, ..leasing.config().clone() };
    let plain = host.gate.rate_limiter(plain).expect("the configuration is valid");
    assert!(!ask(&plain).await.leased);
    assert!(ask(&leasing).await.leased);
}

#[tokio::test]
async fn no_lease_is_taken_on_the_memory_store_but_its_settings_are_checked() {
    let gate = tidegate::Tidegate::builder().build().expect("the component loads");
    let limiter = gate.rate_limiter(config(Algorithm::default())).expect("the configuration is valid");
    assert_eq!(leased(&calls(&limiter, 50).await), 0);
    let wrong = config(Algorithm::default()).lease(Lease::new(1, LIFE));
    let error = gate.rate_limiter(wrong).expect_err("one permit is no lease");
    assert!(error.to_string().contains("lease.max_permits is 1, must be 2 to 1000000"), "{error}");
}
