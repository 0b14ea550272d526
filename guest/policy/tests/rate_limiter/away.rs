//! What a limiter is for hosts whose store is away: shares, and posting what was let go.

use proptest::prelude::*;
use tidegate_policy::rate_limiter::{Algorithm, Config, CostNeverFits, LeaseConfig, OnLimit, Reason, Verdict};

use crate::history::{History, cases, config, steps};
use crate::oracle::{Given, broken};
use crate::support::{ALGORITHMS, GCRA, Key, QUEUE, STRICT, T0_US, allowed, per_ms, per_second};

proptest! {
    #![proptest_config(cases(300))]

    /// Hosts on their shares, each on cells of its own, admit no more than the whole together.
    #[test]
    fn shares_keep_the_promise_of_the_whole(
        config in config(1..=2),
        hosts in 1..=4_u32,
        start_us in 0..10_000_000_u64,
        calls in proptest::collection::vec((0..4_u32, 1..=6_u32, 0..300_000_u64), 1..80),
    ) {
        let whole = Key::of(&config);
        let limiter = whole.limiter.share(hosts).expect("the number is sound");
        let mut keys: Vec<Key> = (0..hosts).map(|_| Key { limiter: limiter.clone(), ..whole.clone() }).collect();
        let (mut given, mut now_us) = (Vec::new(), T0_US + start_us);
        for (host, cost, pause_us) in calls {
            now_us += pause_us;
            let key = &mut keys[(host % hosts) as usize];
            key.world.set_us(now_us);
            match limiter.acquire(&mut key.world, 0, cost, 0, 0) {
                Ok(decision) if decision.verdict == Verdict::Allowed => {
                    given.push(Given { at_us: now_us, permits: cost });
                }
                Ok(decision) => {
                    prop_assert_eq!((decision.verdict, decision.reason), (Verdict::Denied, Reason::Limit));
                    prop_assert!(decision.retry_after_ms > 0);
                }
                Err(_) => {
                    prop_assert!(whole.clone().fault(cost).is_some(), "{} fits in the whole", cost);
                }
            }
        }
        for limit in &config.limits {
            let found = broken(limit, limit.window.count * 1_000, &given);
            prop_assert!(found.is_none(), "{limit:?}: {} of {given:?}", found.unwrap_or_default());
        }
    }

    /// Exactly as many as fit, of whatever limits in whatever state.
    #[test]
    fn post_charges_as_many_as_fit(
        config in config(1..=3),
        start_us in 0..100_000_000_u64,
        steps in steps(30),
        cost in prop_oneof![0..=25_u32, Just(u32::MAX)],
    ) {
        let mut history = History::new(&config, start_us);
        history.run(&steps)?;
        let before = history.key.clone();
        let fits = |cost: &u32| before.clone().try_acquire(*cost).verdict == Verdict::Allowed;
        let most = (1..=cost.min(1_000)).take_while(|cost| before.clone().limiter.peek(&mut before.world.clone(), 0, *cost).is_ok());
        let expected = most.filter(fits).last().unwrap_or(0);
        let key = &mut history.key;
        let posted = key.limiter.post(&mut key.world, 0, cost);
        prop_assert_eq!(posted, key.peek(1), "it reports as a peek");
        let mut by_hand = before.clone();
        if expected > 0 {
            by_hand.try_acquire(expected);
        }
        for cost in 1..=expected.max(3) {
            let (one, other) = (key.limiter.peek(&mut key.world.clone(), 0, cost), by_hand.limiter.peek(&mut by_hand.world.clone(), 0, cost));
            prop_assert_eq!(one, other, "after posting {} of which {} fit", cost, expected);
        }
    }
}

#[test]
fn post_fills_a_limit_up_and_is_never_refused() {
    for algorithm in ALGORITHMS {
        for on_limit in [OnLimit::Reject, OnLimit::Delay { max_wait_ms: 1 }, QUEUE] {
            let mut key = Key::new(&[per_second(10, algorithm)], on_limit);
            key.acquire(3);
            let posted = key.limiter.post(&mut key.world, 0, 50);
            assert_eq!((posted.count, posted.remaining, posted.charged_at_us), (10, 0, 0), "{algorithm:?}");
            assert_eq!(key.try_acquire(1).verdict, Verdict::Denied, "{algorithm:?} {on_limit:?}");
        }
    }
}

#[test]
fn post_of_nothing_changes_nothing() {
    let mut key = Key::new(&[per_second(10, STRICT)], OnLimit::Reject);
    key.acquire(3);
    let writes = key.world.writes();
    assert_eq!(key.limiter.post(&mut key.world, 0, 0).remaining, 7);
    assert_eq!(key.world.writes(), writes);
}

#[test]
fn share_divides_limits_and_bursts_and_rounds_down() {
    for (algorithm, share) in [
        (STRICT, 3),
        (GCRA, 3),
        (Algorithm::Gcra { burst: Some(7) }, 2),
        (Algorithm::TokenBucket { burst: Some(20) }, 6),
    ] {
        let mut key = Key::new(&[per_second(10, algorithm)], QUEUE);
        key.limiter = key.limiter.share(3).expect("the number is sound");
        assert_eq!(allowed(&key.burst(10)), share, "{algorithm:?}");
        assert_eq!(key.acquire(1).ticket, 0, "a share rejects");
    }
}

/// Two rates may become the same by rounding; then the tighter burst holds.
#[test]
fn share_of_two_rates_that_become_one_keeps_the_smaller_burst() {
    let bucket = |limit, burst| per_second(limit, Algorithm::Gcra { burst: Some(burst) });
    for limits in [[bucket(10, 40), bucket(9, 8)], [bucket(9, 8), bucket(10, 40)]] {
        let mut key = Key::new(&limits, OnLimit::Reject);
        key.limiter = key.limiter.share(4).expect("the number is sound");
        assert_eq!(allowed(&key.burst(10)), 2, "{limits:?}");
    }
}

#[test]
fn share_of_one_host_is_the_whole_without_a_lease() {
    let lease = Some(LeaseConfig { max_permits: 100, life_ms: 500 });
    let config = Config { limits: vec![per_second(100, GCRA)], on_limit: OnLimit::Reject, lease };
    let mut key = Key::of(&Config { lease: None, ..config.clone() });
    let mut share = Key::of(&config);
    share.limiter = share.limiter.share(1).expect("the number is sound");
    assert_eq!(share.burst(150), key.burst(150));
}

#[test]
fn share_of_nothing_denies_all_with_the_longest_window() {
    let mut key = Key::new(&[per_second(100, STRICT), per_ms(3, 60_000, GCRA)], OnLimit::Reject);
    key.limiter = key.limiter.share(4).expect("the number is sound");
    let writes = key.world.writes();
    for denied in [key.acquire(1), key.try_acquire(3), key.peek(0), key.refund(1, T0_US)] {
        assert_eq!((denied.verdict, denied.reason), (Verdict::Denied, Reason::Limit));
        assert_eq!((denied.retry_after_ms, denied.remaining, denied.limit), (60_000, 0, 0));
    }
    assert_eq!(key.limiter.post(&mut key.world, 0, 5).verdict, Verdict::Denied);
    let never = CostNeverFits { cost: 4, binding: 0, limit: 3, count: 0, remaining: 0 };
    assert_eq!(key.fault(4), Some(never), "nor does it fit in the whole");
    assert_eq!(key.world.writes(), writes);
}

#[test]
fn cost_above_a_share_is_denied_and_above_the_whole_never_fits() {
    let mut key = Key::new(&[per_second(10, STRICT)], OnLimit::Reject);
    key.limiter = key.limiter.share(4).expect("the number is sound");
    assert_eq!(key.acquire(2).verdict, Verdict::Allowed);
    let above = key.acquire(3);
    assert_eq!((above.verdict, above.retry_after_ms, above.limit), (Verdict::Denied, 1_000, 2));
    assert_eq!(key.fault(11).map(|never| never.limit), Some(10));
}

#[test]
fn share_needs_a_sound_number_of_hosts() {
    let key = Key::new(&[per_second(10, STRICT)], OnLimit::Reject);
    for hosts in [0, 1_000_001] {
        let problems = key.limiter.share(hosts).expect_err("it is out of range");
        let [problem] = &problems[..] else { panic!("{problems:?}") };
        assert_eq!((&*problem.path, &*problem.value), ("hosts", &*hosts.to_string()));
        assert_eq!(problem.allowed, "1 to 1000000");
    }
    assert!(key.limiter.share(1_000_000).is_ok());
}

#[test]
fn share_of_the_longest_burst_is_sound() {
    let limit = per_ms(3, 366 * 86_400_000, Algorithm::Gcra { burst: Some(30) });
    let mut key = Key::new(&[limit], OnLimit::Reject);
    key.limiter = key.limiter.share(2).expect("a burst that the smaller rate refills in time");
    assert_eq!(key.acquire(10).verdict, Verdict::Allowed);
}
