//! Several calls at once.

use super::*;
use tidegate::Error;

#[tokio::test]
async fn of_one_key_is_one_round_trip_and_as_one_by_one() {
    let world = World::new();
    let host = world.host();
    let config = RateLimiterConfig::new("api", Limit::per_second(3));
    let limiter = host.gate.rate_limiter(config).expect("the configuration is valid");
    let asks = [
        Ask::of("a"),
        Ask::of("b").cost(3),
        Ask::of("a").cost(3),
        Ask::of("a").cost(2),
        Ask::of("b"),
        Ask::of("a").cost(4),
    ];
    let decisions = limiter.try_acquire_many(asks).await;
    let verdict = |decision: &Result<Decision, Error>| decision.as_ref().map(|it| it.verdict).ok();
    let verdicts: Vec<_> = decisions.iter().map(verdict).collect();
    let (yes, no) = (Some(Verdict::Allowed), Some(Verdict::Denied));
    assert_eq!(verdicts, [yes, yes, no, yes, no, None]);
    assert!(matches!(decisions[5], Err(Error::CostNeverFits { cost: 4, .. })));
    assert_eq!(host.gate.stats().commits, 2);
}

#[tokio::test]
async fn keys_do_not_wait_for_each_other() {
    let world = World::new();
    let host = world.host();
    let limiter = limiter(&host);
    let held_up = world.link.hold().await;
    let asking = {
        let limiter = limiter.clone();
        tokio::spawn(async move { limiter.try_acquire_many(["a", "b", "c"]).await })
    };
    world.link.waiting(3).await;
    drop(held_up);
    assert!(asking.await.expect("it ends").iter().all(Result::is_ok));
}

#[tokio::test]
async fn spends_what_is_held() {
    let world = World::new();
    let host = world.host();
    let limiter = limiter(&host);
    calls(&limiter, 16).await;
    let commits = host.gate.stats().commits;
    let decisions = limiter.try_acquire_many(["k"; 15]).await;
    assert!(decisions.iter().all(|decision| decision.as_ref().is_ok_and(|it| it.leased)));
    assert_eq!(host.gate.stats().commits, commits);
}

#[tokio::test]
async fn that_is_given_up_is_undone_whether_answered_or_not() {
    let world = World::new();
    let host = world.host();
    let limiter = limiter(&host);
    calls(&limiter, 16).await;
    let held_up = world.link.hold().await;
    let asking = {
        let limiter = limiter.clone();
        tokio::spawn(async move { limiter.try_acquire_many(["k", "other", "k"]).await })
    };
    world.link.waiting(1).await;
    asking.abort();
    assert!(asking.await.is_err());
    drop(held_up);
    host.gate.flush().await;
    host.gate.flush().await;
    assert_eq!(charged(&world).await, 16);
    let other = limiter.peek("other").await.expect("the store answers");
    assert_eq!(other.count, 0);
}

#[tokio::test]
async fn of_many_keys_on_the_memory_store_is_as_one_by_one() {
    let gate = tidegate::Tidegate::builder().clock(tidegate::ManualClock::new()).build().expect("it loads");
    let [together, singly] = ["together", "singly"].map(|name| {
        gate.rate_limiter(RateLimiterConfig::new(name, Limit::per_second(7))).expect("the configuration is valid")
    });
    let keys: Vec<String> = (0..1_000_u32).map(|number| (number * number % 263).to_string()).collect();
    let asks = || keys.iter().enumerate().map(|(index, key)| Ask::of(key).cost(u32::try_from(index % 4).unwrap_or(0)));
    let decisions = together.try_acquire_many(asks()).await;
    for (ask, decision) in asks().zip(decisions) {
        assert_eq!(decision.expect("it fits"), singly.try_acquire(ask).await.expect("it fits"), "{ask:?}");
    }
}
