//! Rate limiters while the store is away, and when it is back.

use std::time::Duration;

use tidegate::{
    Ask, Clock as _, Decision, Error, Limit, ManualClock, RateLimiter, RateLimiterConfig, Reason, Tidegate, Verdict,
    WhenAway,
};

use super::scene::{Fault, Scene, limiter, rest};

async fn ask(limiter: &RateLimiter, key: &str) -> Decision {
    limiter.try_acquire(key).await.expect("the settings say what to answer")
}

async fn count(limiter: &RateLimiter, key: &str) -> u32 {
    let peek = limiter.peek(key).await.expect("the store answers");
    assert!(!peek.degraded);
    peek.count
}

/// How many of `calls` are let go.
async fn let_go(limiter: &RateLimiter, key: &str, calls: u32) -> u32 {
    let mut allowed = 0;
    for _ in 0..calls {
        let decision = ask(limiter, key).await;
        assert!(decision.degraded);
        allowed += u32::from(decision.is_allowed());
    }
    allowed
}

/// Until the watch has found out that the store is back, and what is owed was posted.
async fn back(scene: &Scene, gate: &Tidegate) {
    scene.heal();
    scene.pass(Duration::from_millis(600)).await;
    assert_eq!(gate.store_state(), tidegate::StoreState::Available);
}

#[tokio::test]
async fn by_default_the_callers_are_told() {
    let scene = Scene::new();
    let gate = scene.host();
    scene.fail(Fault::Unreachable);
    let limiter = limiter(&gate, "api", 5, WhenAway::default());
    for _ in 0..5 {
        assert!(limiter.try_acquire("k").await.expect_err("the store is away").is_store_away());
    }
    assert_eq!(gate.stats().degraded, 0);
}

#[tokio::test]
async fn open_admits_and_what_went_counts_when_the_store_is_back() {
    let scene = Scene::new();
    let gate = scene.host();
    let limiter = limiter(&gate, "api", 10, WhenAway::Open);
    assert!(ask(&limiter, "k").await.is_allowed());
    scene.fail(Fault::Unreachable);
    assert_eq!(let_go(&limiter, "k", 6).await, 6);
    let decision = ask(&limiter, "k").await;
    assert_eq!((decision.reason, decision.charged_at_us), (Reason::None, None));
    assert_eq!((gate.stats().degraded, gate.stats().posted), (7, 0));
    back(&scene, &gate).await;
    assert_eq!(gate.stats().posted, 7);
    assert_eq!(count(&limiter, "k").await, 8);
}

#[tokio::test]
async fn closed_denies_until_the_store_is_tried_again() {
    let scene = Scene::new();
    let gate = scene.host();
    let limiter = limiter(&gate, "api", 10, WhenAway::Closed);
    scene.fail(Fault::Unreachable);
    let first = ask(&limiter, "k").await;
    assert_eq!((first.verdict, first.reason), (Verdict::Denied, Reason::StoreAway));
    assert_eq!((first.degraded, first.retry_after), (true, Duration::ZERO));
    for _ in 0..2 {
        ask(&limiter, "k").await;
    }
    assert_eq!(ask(&limiter, "k").await.retry_after, Duration::from_millis(500));
    scene.pass(Duration::from_millis(120)).await;
    assert_eq!(ask(&limiter, "k").await.retry_after, Duration::from_millis(380));
    back(&scene, &gate).await;
    assert_eq!(count(&limiter, "k").await, 0);
}

#[tokio::test]
async fn a_denial_that_is_waited_for_says_that_the_store_is_away() {
    let scene = Scene::new();
    let gate = scene.host();
    scene.fail(Fault::Unreachable);
    let error = limiter(&gate, "api", 1, WhenAway::Closed).acquire("k").await.expect_err("it is denied");
    assert_eq!(error.denied().map(|decision| decision.reason), Some(Reason::StoreAway));
}

#[tokio::test]
async fn by_shares_all_hosts_together_admit_no_more_than_the_limit() {
    let scene = Scene::new();
    let hosts: Vec<Tidegate> = (0..4).map(|_| scene.host()).collect();
    scene.fail(Fault::Unreachable);
    let mut allowed = 0;
    for host in &hosts {
        let limiter = limiter(host, "api", 11, WhenAway::Share { hosts: 4 });
        let went = let_go(&limiter, "k", 5).await;
        assert_eq!(went, 2);
        allowed += went;
        assert_eq!(ask(&limiter, "k").await.reason, Reason::Limit);
        assert_eq!(let_go(&limiter, "another", 5).await, 2);
    }
    back(&scene, &hosts[0]).await;
    let limiter = limiter(&hosts[0], "api", 11, WhenAway::Error);
    assert_eq!((count(&limiter, "k").await, count(&limiter, "another").await), (allowed, allowed));
}

#[tokio::test]
async fn a_share_of_less_than_one_permit_denies() {
    let scene = Scene::new();
    let gate = scene.host();
    scene.fail(Fault::Unreachable);
    let limiter = limiter(&gate, "api", 3, WhenAway::Share { hosts: 4 });
    assert_eq!(let_go(&limiter, "k", 3).await, 0);
    back(&scene, &gate).await;
    assert_eq!(count(&limiter, "k").await, 0);
}

#[tokio::test]
async fn a_share_does_not_queue() {
    let scene = Scene::new();
    let gate = scene.host();
    let config = RateLimiterConfig::new("api", Limit::per(4, Duration::from_secs(10)));
    let config = config.on_limit(tidegate::OnLimit::queue(9, Duration::from_mins(1)));
    let limiter = gate.rate_limiter(config.when_away(WhenAway::Share { hosts: 2 })).expect("it is valid");
    scene.fail(Fault::Unreachable);
    for allowed in [true, true, false] {
        assert_eq!(limiter.decide("k", None).await.expect("the settings say").is_allowed(), allowed);
    }
    assert!(limiter.acquire("k").await.expect_err("it is denied").denied().is_some());
}

#[tokio::test]
async fn a_cost_above_the_share_is_denied_and_one_above_the_limit_never_fits() {
    let scene = Scene::new();
    let gate = scene.host();
    scene.fail(Fault::Unreachable);
    let limiter = limiter(&gate, "api", 10, WhenAway::Share { hosts: 5 });
    let denied = limiter.try_acquire(Ask::of("k").cost(3)).await.expect("it would fit when the store is back");
    assert_eq!((denied.verdict, denied.reason, denied.degraded), (Verdict::Denied, Reason::Limit, true));
    let error = limiter.try_acquire(Ask::of("k").cost(11)).await.expect_err("it never fits");
    assert!(matches!(error, Error::CostNeverFits { cost: 11, .. }), "{error}");
}

#[tokio::test]
async fn wrong_shares_are_named() {
    let scene = Scene::new();
    let gate = scene.host();
    let config = RateLimiterConfig::new("api", Limit::per_second(5)).when_away(WhenAway::Share { hosts: 0 });
    let error = gate.rate_limiter(config).expect_err("it is wrong");
    let Error::Config { problems, .. } = error else { panic!("{error}") };
    assert_eq!((problems[0].path.as_str(), problems[0].value.as_str()), ("when_away.share", "0"));
    let breaker = tidegate::CircuitBreakerConfig::consecutive("c", 1).when_away(WhenAway::Share { hosts: 1_000_001 });
    let error = gate.circuit_breaker(breaker).expect_err("it is wrong");
    let Error::Config { problems, .. } = error else { panic!("{error}") };
    assert_eq!((problems[0].path.as_str(), problems[0].value.as_str()), ("when_away.share", "1000001"));
}

#[tokio::test]
async fn a_debt_is_charged_before_the_first_call_that_gets_through() {
    let scene = Scene::new();
    let gate = scene.host();
    let limiter = limiter(&gate, "api", 5, WhenAway::Open);
    scene.fail(Fault::Unreachable);
    let_go(&limiter, "k", 9).await;
    scene.heal();
    // The pause is over, and nobody but this call has had a turn.
    scene.clock.advance(Duration::from_millis(500));
    let decision = ask(&limiter, "k").await;
    assert_eq!((decision.verdict, decision.reason, decision.degraded), (Verdict::Denied, Reason::Limit, false));
    assert_eq!(gate.stats().posted, 9);
}

#[tokio::test]
async fn a_debt_is_posted_once_for_each_key() {
    let scene = Scene::new();
    let gate = scene.host();
    let limiter = limiter(&gate, "api", 50, WhenAway::Open);
    scene.fail(Fault::Unreachable);
    let keys: Vec<String> = (0..100).map(|user| format!("user {user}")).collect();
    for key in keys.iter().chain(&keys) {
        ask(&limiter, key).await;
    }
    back(&scene, &gate).await;
    assert_eq!(gate.stats().posted, 200);
    for key in &keys {
        assert_eq!(count(&limiter, key).await, 2);
    }
    scene.pass(Duration::from_secs(2)).await;
    assert_eq!(gate.stats().posted, 200);
}

/// What was used already cannot be refused, and is posted like what was let go.
#[tokio::test]
async fn what_was_used_meanwhile_is_charged_when_the_store_is_back() {
    for when_away in [WhenAway::Open, WhenAway::Closed, WhenAway::Share { hosts: 2 }] {
        let scene = Scene::new();
        let gate = scene.host();
        let limiter = limiter(&gate, "api", 10, when_away);
        scene.fail(Fault::Unreachable);
        let charged = limiter.charge("k", 4).await.expect("the settings answer");
        assert!(charged.is_allowed() && charged.degraded, "{when_away:?} {charged:?}");
        let beyond = limiter.charge("k", 30).await.expect("the settings answer");
        assert!(beyond.is_allowed() && beyond.degraded, "{when_away:?} {beyond:?}");
        if matches!(when_away, WhenAway::Share { .. }) {
            let denied = limiter.try_acquire("k").await.expect("the settings answer");
            assert_eq!(denied.reason, Reason::Limit, "it counts on this host");
        }
        scene.heal();
        scene.pass(Duration::from_millis(5_500)).await;
        assert_eq!(count(&limiter, "k").await, 10, "{when_away:?}");
    }
}

#[tokio::test]
async fn what_was_used_meanwhile_is_an_error_where_the_settings_say_so() {
    let scene = Scene::new();
    let limiter = limiter(&scene.host(), "api", 10, WhenAway::Error);
    scene.fail(Fault::Unreachable);
    assert!(limiter.charge("k", 4).await.is_err_and(|error| error.is_store_away()));
}

#[tokio::test]
async fn a_debt_that_two_failures_made_is_posted_though_the_watch_never_opened() {
    let scene = Scene::new();
    let gate = scene.host();
    let limiter = limiter(&gate, "api", 50, WhenAway::Open);
    scene.fail(Fault::Unreachable);
    let_go(&limiter, "k", 2).await;
    rest().await;
    scene.heal();
    scene.pass(Duration::from_millis(20)).await;
    assert_eq!((gate.stats().posted, scene.states().len()), (2, 0));
}

#[tokio::test]
async fn a_debt_that_could_not_be_posted_is_still_owed() {
    let scene = Scene::new();
    let gate = scene.host();
    let limiter = limiter(&gate, "api", 50, WhenAway::Open);
    scene.fail(Fault::Unreachable);
    let_go(&limiter, "k", 2).await;
    scene.pass(Duration::from_secs(3)).await;
    assert_eq!(gate.stats().posted, 0);
    scene.heal();
    scene.pass(Duration::from_secs(6)).await;
    assert_eq!((gate.stats().posted, gate.stats().lost), (2, 0));
}

#[tokio::test]
async fn a_call_that_has_left_the_window_is_owed_no_more() {
    let scene = Scene::new();
    let gate = scene.host();
    let limiter = limiter(&gate, "api", 100, WhenAway::Open);
    scene.fail(Fault::Unreachable);
    let_go(&limiter, "k", 60).await;
    // Twice what a permit of ten seconds can count, which is twice the window, and then a little.
    scene.clock.advance(Duration::from_secs(40));
    rest().await;
    assert_eq!(let_go(&limiter, "k", 1).await, 1);
    scene.heal();
    scene.pass(Duration::from_millis(5_500)).await;
    assert_eq!(count(&limiter, "k").await, 1);
}

#[tokio::test]
async fn a_share_goes_on_when_a_clock_that_was_an_hour_fast_is_put_right() {
    let scene = Scene::new();
    let own = ManualClock::new();
    let gate = scene.host_with(|builder| builder.clock(own.clone()).no_store_watch());
    let share = limiter(&gate, "share", 4, WhenAway::Share { hosts: 2 });
    let other = limiter(&gate, "other", 4, WhenAway::Error);
    ask(&other, "k").await;
    own.advance(Duration::from_hours(1));
    scene.fail(Fault::Unreachable);
    assert_eq!(let_go(&share, "k", 3).await, 2);
    scene.heal();
    // The store's reply says how late it is.
    assert_eq!(ask(&other, "k").await.at_us, scene.clock.now_us());
    scene.fail(Fault::Unreachable);
    assert_eq!(let_go(&share, "k", 1).await, 0);
    own.advance(Duration::from_secs(20));
    assert_eq!(let_go(&share, "k", 3).await, 2);
}

#[tokio::test]
async fn what_was_let_go_and_given_back_is_not_owed() {
    let scene = Scene::new();
    let gate = scene.host();
    scene.fail(Fault::Unreachable);
    let open = limiter(&gate, "open", 50, WhenAway::Open);
    let decision = ask(&open, "k").await;
    assert_eq!(let_go(&open, "k", 2).await, 2);
    open.refund("k", &decision).await.expect("it asks nobody");
    let share = limiter(&gate, "share", 4, WhenAway::Share { hosts: 2 });
    let first = ask(&share, "k").await;
    assert_eq!(let_go(&share, "k", 2).await, 1);
    assert_eq!(share.refund("k", &first).await.expect("it asks nobody").remaining, 1);
    assert_eq!(let_go(&share, "k", 2).await, 1);
    back(&scene, &gate).await;
    assert_eq!((count(&open, "k").await, count(&share, "k").await), (2, 2));
}

#[tokio::test]
async fn what_the_store_has_charged_is_given_back_when_it_is_there_again() {
    let scene = Scene::new();
    let gate = scene.host();
    let mut charged = Vec::new();
    for when_away in [WhenAway::Open, WhenAway::Closed, WhenAway::Share { hosts: 2 }] {
        let limiter = limiter(&gate, &format!("{when_away:?}"), 8, when_away);
        charged.push((ask(&limiter, "k").await, limiter.clone()));
        ask(&limiter, "k").await;
    }
    scene.fail(Fault::Unreachable);
    scene.find_out(&gate).await;
    for (decision, limiter) in &charged {
        assert!(limiter.refund("k", decision).await.expect("the settings say").degraded);
    }
    // This host's own state is not what was charged.
    assert_eq!(let_go(&charged[2].1, "k", 9).await, 4);
    back(&scene, &gate).await;
    let mut counts = Vec::new();
    for (_, limiter) in &charged {
        counts.push(count(limiter, "k").await);
    }
    assert_eq!((counts, gate.stats().lost), (vec![1, 1, 5], 0));
}

#[tokio::test]
async fn flushing_posts_what_is_owed() {
    let scene = Scene::new();
    let gate = scene.host_with(tidegate::Builder::no_store_watch);
    let limiter = limiter(&gate, "api", 50, WhenAway::Open);
    scene.fail(Fault::Unreachable);
    let_go(&limiter, "k", 3).await;
    gate.flush().await;
    assert_eq!(gate.stats().posted, 0);
    scene.heal();
    gate.flush().await;
    assert_eq!((gate.stats().posted, count(&limiter, "k").await), (3, 3));
}

#[tokio::test]
async fn keys_beyond_what_this_host_can_keep_apart_are_denied_their_share() {
    let scene = Scene::new();
    let gate = scene.host_with(|builder| builder.max_known(1));
    let limiter = limiter(&gate, "api", 50, WhenAway::Share { hosts: 1 });
    scene.fail(Fault::Unreachable);
    let mut denied = 0;
    for user in 0..200 {
        let decision = ask(&limiter, &format!("user {user}")).await;
        denied += u32::from(decision.reason == Reason::StoreAway);
    }
    assert!(denied >= 100, "{denied}");
}

#[tokio::test]
async fn settings_are_read_from_json_and_written_alike() {
    for (text, when_away) in [
        (r#""error""#, WhenAway::Error),
        (r#""open""#, WhenAway::Open),
        (r#""closed""#, WhenAway::Closed),
        (r#"{"share":4}"#, WhenAway::Share { hosts: 4 }),
    ] {
        let json = format!(r#"{{"name":"api","limits":[{{"limit":1,"window":"second"}}],"whenAway":{text}}}"#);
        let config = RateLimiterConfig::from_json(&json).expect("it is right");
        assert_eq!(config.when_away, when_away);
        let written = serde_json::to_value(&config).expect("it can be written");
        assert_eq!(written["whenAway"].to_string(), text);
    }
    let json = r#"{"name":"api","limits":[],"whenAway":"shared"}"#;
    assert!(RateLimiterConfig::from_json(json).expect_err("it is wrong").to_string().contains("whenAway"));
}
