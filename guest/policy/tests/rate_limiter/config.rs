//! Malformed configurations: every problem at its path, with its value and what is allowed, all at
//! once.

use tidegate_policy::problem::Problem;
use tidegate_policy::rate_limiter::{Algorithm, Config, LeaseConfig, Limit, OnLimit, RateLimiter, Window, WindowUnit};

use crate::support::{ALGORITHMS, BUCKET, COUNTER, FIXED, GCRA, LOG, STRICT, open, open_config, per_ms, per_second};

fn problems(limits: &[Limit], on_limit: OnLimit) -> Vec<Problem> {
    RateLimiter::open(&Config { limits: limits.to_vec(), on_limit, lease: None }).err().unwrap_or_default()
}

fn one(limits: &[Limit], on_limit: OnLimit) -> (String, String, String) {
    let found = problems(limits, on_limit);
    assert_eq!(found.len(), 1, "{limits:?} {on_limit:?}: {found:?}");
    let Problem { path, value, allowed } = found.into_iter().next().expect("there is one");
    (path, value, allowed)
}

fn with_lease(limit: Limit, on_limit: OnLimit, max_permits: u32, life_ms: u64) -> Vec<(String, String, String)> {
    let lease = Some(LeaseConfig { max_permits, life_ms });
    let found = RateLimiter::open(&Config { limits: vec![limit], on_limit, lease }).err().unwrap_or_default();
    found.into_iter().map(|Problem { path, value, allowed }| (path, value, allowed)).collect()
}

fn strict(sub_windows: u32) -> Algorithm {
    Algorithm::SlidingWindow { sub_windows }
}

fn gcra(burst: u32) -> Algorithm {
    Algorithm::Gcra { burst: Some(burst) }
}

fn token_bucket(burst: u32) -> Algorithm {
    Algorithm::TokenBucket { burst: Some(burst) }
}

fn window(unit: WindowUnit, count: u64) -> Limit {
    Limit { limit: 10, window: Window { unit, count }, algorithm: STRICT }
}

const fn delay(max_wait_ms: u64) -> OnLimit {
    OnLimit::Delay { max_wait_ms }
}

const fn queue(max_size: u32, timeout_ms: u64, grace_ms: u64) -> OnLimit {
    OnLimit::Queue { max_size, timeout_ms, grace_ms }
}

#[test]
fn names_the_path_the_value_and_what_is_allowed_of_a_limit() {
    use WindowUnit::{Day, Hour, Millisecond, Minute, Second};
    let whole = "1 millisecond to 366 days in all";
    let sub = "limits[0].algorithm.sub-windows";
    let cases = [
        (per_second(10, strict(0)), sub, "0", "1 to 100"),
        (per_second(10, strict(101)), sub, "101", "1 to 100"),
        (per_second(10, strict(u32::MAX)), sub, "4294967295", "1 to 100"),
        (window(Millisecond, 0), "limits[0].window", "0 millisecond", whole),
        (window(Second, 0), "limits[0].window", "0 second", whole),
        (window(Minute, 0), "limits[0].window", "0 minute", whole),
        (window(Hour, 0), "limits[0].window", "0 hour", whole),
        (window(Day, 0), "limits[0].window", "0 day", whole),
        (window(Day, 367), "limits[0].window", "367 day", whole),
        (window(Hour, 366 * 24 + 1), "limits[0].window", "8785 hour", whole),
        (window(Minute, u64::MAX), "limits[0].window", "18446744073709551615 minute", whole),
        (window(Millisecond, u64::MAX), "limits[0].window", "18446744073709551615 millisecond", whole),
        (
            per_second(1_000_001, GCRA),
            "limits[0].limit",
            "1000001",
            "at most 1000000 for gcra in this window: 1,000,000 in a second",
        ),
        (
            per_ms(1_001, 1, token_bucket(5)),
            "limits[0].limit",
            "1001",
            "at most 1000 for token-bucket in this window: 1,000,000 in a second",
        ),
        (per_second(10, gcra(0)), "limits[0].algorithm.burst", "0", "1 to 3162240000"),
        (per_second(10, token_bucket(0)), "limits[0].algorithm.burst", "0", "1 to 3162240000"),
        (per_second(10, gcra(3_162_240_001)), "limits[0].algorithm.burst", "3162240001", "1 to 3162240000"),
        (
            Limit { limit: 1, window: Window { unit: Day, count: 366 }, algorithm: token_bucket(11) },
            "limits[0].algorithm.burst",
            "11",
            "1 to 10",
        ),
        (
            per_second(10_001, LOG),
            "limits[0].limit",
            "10001",
            "at most 10000 for sliding-log, which keeps every permit",
        ),
    ];
    for (limit, path, value, allowed) in cases {
        for on_limit in [OnLimit::Reject, delay(1), queue(1, 1, 1)] {
            assert_eq!(one(&[limit], on_limit), (path.into(), value.into(), allowed.into()), "{limit:?} {on_limit:?}");
        }
    }
}

#[test]
fn names_the_path_the_value_and_what_is_allowed_of_a_behaviour() {
    let bounded = |most: &str| format!("1 to {most} with these limits: their state must stay bounded");
    let day = "1 to 86400000".to_string();
    let wait = "on-limit.max-wait-ms";
    let cases = [
        (per_second(10, GCRA), delay(0), wait, "0", day.clone()),
        (per_second(10, GCRA), delay(86_400_001), wait, "86400001", day.clone()),
        (per_second(10, GCRA), delay(u64::MAX), wait, "18446744073709551615", day.clone()),
        (per_second(10, STRICT), delay(0), wait, "0", bounded("1000000")),
        (per_second(10, STRICT), delay(1_000_001), wait, "1000001", bounded("1000000")),
        (per_second(10, strict(100)), delay(100_001), wait, "100001", bounded("100000")),
        (per_second(10, FIXED), delay(1_000_001), wait, "1000001", bounded("1000000")),
        (per_second(10, COUNTER), delay(1_000_001), wait, "1000001", bounded("1000000")),
        (per_second(10, LOG), delay(1_000_001), wait, "1000001", bounded("1000000")),
        (per_second(5_000, LOG), delay(2_001), wait, "2001", bounded("2000")),
        (per_ms(10_000, 1, LOG), delay(2), wait, "2", bounded("1")),
        (per_second(10, GCRA), queue(0, 1_000, 10), "on-limit.max-size", "0", "1 to 10000".into()),
        (per_second(10, GCRA), queue(10_001, 1_000, 10), "on-limit.max-size", "10001", "1 to 10000".into()),
        (per_second(10, GCRA), queue(1, 86_400_001, 10), "on-limit.timeout-ms", "86400001", day.clone()),
        (per_second(10, GCRA), queue(1, u64::MAX, 10), "on-limit.timeout-ms", "18446744073709551615", day),
        (per_second(10, GCRA), queue(1, 1_000, 0), "on-limit.grace-ms", "0", "1 to 1000".into()),
        (per_second(10, GCRA), queue(1, 1_000, 1_001), "on-limit.grace-ms", "1001", "1 to 1000".into()),
        (
            per_second(10, GCRA),
            queue(1, 1_000, u64::MAX),
            "on-limit.grace-ms",
            "18446744073709551615",
            "1 to 1000".into(),
        ),
    ];
    for (limit, on_limit, path, value, allowed) in cases {
        assert_eq!(one(&[limit], on_limit), (path.into(), value.into(), allowed), "{limit:?} {on_limit:?}");
    }
}

#[test]
fn refuses_none_and_more_than_eight_limits() {
    assert_eq!(one(&[], OnLimit::Reject), ("limits".into(), "0 limits".into(), "1 to 8 limits".into()));
    let nine: Vec<Limit> = (1..=9).map(|seconds| per_ms(10, seconds * 1_000, STRICT)).collect();
    assert_eq!(one(&nine, OnLimit::Reject), ("limits".into(), "9 limits".into(), "1 to 8 limits".into()));
    assert_eq!(problems(&nine[..8], OnLimit::Reject), []);
}

#[test]
fn refuses_two_limits_counted_in_the_same_cells() {
    for algorithm in ALGORITHMS {
        let limits = [per_ms(5, 60_000, algorithm), per_second(10, algorithm), per_second(10, algorithm)];
        let (path, value, allowed) = one(&limits, OnLimit::Reject);
        assert_eq!((path.as_str(), value.as_str()), ("limits[2]", "10 in 1000 millisecond"), "{algorithm:?}");
        assert!(allowed.contains("limits[1]"), "{allowed}");
    }
    let minute = Limit { window: Window { unit: WindowUnit::Minute, count: 1 }, ..per_second(99, FIXED) };
    assert_eq!(one(&[per_ms(5, 60_000, FIXED), minute], OnLimit::Reject).0, "limits[1]");
    let (gcra, bucket) = (per_second(10, gcra(3)), per_second(10, token_bucket(4)));
    assert_eq!(one(&[gcra, bucket], OnLimit::Reject).0, "limits[1]");
    assert_eq!(problems(&[per_second(10, GCRA), per_second(9, GCRA)], OnLimit::Reject), []);
    assert_eq!(problems(&[per_second(10, strict(9)), per_second(10, strict(10))], OnLimit::Reject), []);
}

/// It denies every call: see `charge.rs`.
#[test]
fn limit_of_nothing_is_sound() {
    for algorithm in ALGORITHMS {
        for on_limit in [OnLimit::Reject, delay(1_000), queue(10, 100, 10)] {
            assert_eq!(problems(&[per_second(0, algorithm)], on_limit), [], "{algorithm:?}");
        }
    }
    assert_eq!(problems(&[per_second(0, gcra(5))], OnLimit::Reject), []);
}

#[test]
fn reports_all_problems_at_once() {
    let limits = [
        per_second(1, strict(0)),
        Limit { limit: 5, window: Window { unit: WindowUnit::Day, count: 400 }, algorithm: gcra(0) },
        per_ms(2_000, 1, token_bucket(0)),
        Limit { limit: 20_000, window: Window { unit: WindowUnit::Hour, count: 0 }, algorithm: LOG },
    ];
    let found = problems(&limits, queue(0, 0, 0));
    let paths: Vec<&str> = found.iter().map(|problem| problem.path.as_str()).collect();
    let expected = [
        "limits[0].algorithm.sub-windows",
        "limits[1].window",
        "limits[1].algorithm.burst",
        "limits[2].limit",
        "limits[2].algorithm.burst",
        "limits[3].limit",
        "limits[3].window",
        "on-limit.max-size",
        "on-limit.timeout-ms",
        "on-limit.grace-ms",
    ];
    let (mut paths, mut expected) = (paths, expected.to_vec());
    paths.sort_unstable();
    expected.sort_unstable();
    assert_eq!(paths, expected);
    assert!(found.iter().all(|problem| !problem.value.is_empty() && !problem.allowed.is_empty()));
}

#[test]
fn lease_is_checked() {
    let problem = |path: &str, value: &str, allowed: &str| vec![(path.into(), value.into(), allowed.into())];
    let (limit, reject) = (per_second(1_000, STRICT), OnLimit::Reject);
    let permits = |value| problem("lease.max-permits", value, "2 to 1000000");
    assert_eq!(with_lease(limit, reject, 1, 100), permits("1"));
    assert_eq!(with_lease(limit, reject, 1_000_001, 100), permits("1000001"));
    let life = |value| problem("lease.life-ms", value, "1 to 60000");
    assert_eq!(with_lease(limit, reject, 10, 0), life("0"));
    assert_eq!(with_lease(limit, reject, 10, 60_001), life("60001"));
    let waits = |value| problem("lease", value, "left out unless `on-limit` is reject");
    assert_eq!(with_lease(limit, delay(10), 10, 100), waits("given with delay"));
    assert_eq!(with_lease(limit, queue(10, 100, 10), 10, 100), waits("given with queue"));
    for (max_permits, life_ms) in [(2, 1), (1_000_000, 60_000)] {
        assert_eq!(with_lease(limit, reject, max_permits, life_ms), []);
    }
}

#[test]
fn lease_must_leave_a_bucket_a_permit_of_its_burst() {
    let allowed = |ms| format!("at most {ms} with these bursts, which it takes life * limit / window permits of");
    let limit = per_second(10, token_bucket(4));
    assert_eq!(with_lease(limit, OnLimit::Reject, 10, 300), []);
    assert_eq!(with_lease(limit, OnLimit::Reject, 10, 301), [("lease.life-ms".into(), "301".into(), allowed(300))]);
    let one = per_second(10, gcra(1));
    assert_eq!(with_lease(one, OnLimit::Reject, 10, 1), [("lease.life-ms".into(), "1".into(), allowed(0))]);
    for (limit, burst) in [(3, 1_000), (7, 50), (1_000_000, 999_999), (1, 2)] {
        let limit = per_second(limit, gcra(burst));
        let most = (1..=60_000).rev().find(|life_ms| with_lease(limit, OnLimit::Reject, 10, *life_ms).is_empty());
        let held = |life_ms: u64| (life_ms * u64::from(limit.limit)).div_ceil(1_000);
        assert!(most.is_some_and(|most| held(most) < u64::from(burst)), "{limit:?} {most:?}");
        assert!(most.is_some_and(|most| most == 60_000 || held(most + 1) >= u64::from(burst)), "{limit:?} {most:?}");
    }
}

#[test]
fn lease_adds_no_problem_to_a_bucket_that_is_wrong() {
    for limit in [per_ms(2_000, 1, GCRA), per_second(10, gcra(0))] {
        assert_eq!(with_lease(limit, OnLimit::Reject, 10, 100).len(), 1, "{limit:?}");
    }
}

/// A limit that is too high must not make a good wait look bad.
#[test]
fn reports_no_problem_that_follows_from_another() {
    assert_eq!(one(&[per_second(20_000, LOG)], delay(1_000)).0, "limits[0].limit");
    let sub_windows = "limits[0].algorithm.sub-windows";
    assert_eq!(one(&[per_second(10, strict(20_000))], delay(1_000)).0, sub_windows);
    assert_eq!(one(&[per_ms(2_000, 1, gcra(u32::MAX))], delay(1_000)).0, "limits[0].limit");
    assert_eq!(
        one(&[Limit { algorithm: gcra(u32::MAX), ..window(WindowUnit::Second, 0) }], delay(1)).0,
        "limits[0].window"
    );
}

#[test]
fn accepts_what_lies_on_the_bounds() {
    let year = Window { unit: WindowUnit::Day, count: 366 };
    let edges = [
        per_ms(1, 1, STRICT),
        per_ms(u32::MAX, 1, strict(1)),
        per_second(u32::MAX, strict(100)),
        Limit { limit: u32::MAX, window: year, algorithm: FIXED },
        Limit { limit: u32::MAX, window: year, algorithm: GCRA },
        Limit { limit: 1, window: year, algorithm: gcra(10) },
        per_second(1_000_000, token_bucket(1)),
        per_second(10_000, LOG),
    ];
    for limit in edges {
        assert_eq!(problems(&[limit], OnLimit::Reject), [], "{limit:?}");
        assert_eq!(problems(&[limit], delay(1)), [], "{limit:?}");
        assert_eq!(problems(&[limit], queue(10_000, 86_400_000, 86_400_000)), [], "{limit:?}");
        assert_eq!(problems(&[limit], queue(1, 1, 1)), [], "{limit:?}");
    }
}

#[test]
fn basis_says_what_values_depend_on_beside_the_numbers_of_limits() {
    let old = Algorithm::SlidingWindow { sub_windows: 10 };
    let parts = Algorithm::SlidingWindow { sub_windows: 20 };
    for (limits, expected) in [
        (vec![per_second(5, STRICT)], "sliding-window of 1000 ms"),
        (vec![per_second(50, old)], "sliding-window of 1000 ms"),
        (vec![per_second(5, parts)], "sliding-window of 1000 ms in 20 parts"),
        (vec![per_second(5, GCRA), per_ms(9, 60_000, BUCKET)], "bucket of 1000 ms, bucket of 60000 ms"),
        (
            vec![per_second(5, FIXED), per_ms(9, 7, COUNTER), per_ms(9, 60_000, LOG)],
            "fixed-window of 1000 ms, sliding-window-counter of 7 ms, sliding-log of 60000 ms",
        ),
    ] {
        assert_eq!(open(&limits, OnLimit::Reject).basis(), expected);
    }
    let lease = Some(LeaseConfig { max_permits: 5, life_ms: 100 });
    let leased = Config { limits: vec![per_second(500, STRICT)], on_limit: OnLimit::Reject, lease };
    assert_eq!(open_config(&leased).basis(), "sliding-window of 1000 ms; leased for 100 ms");
}

#[test]
fn a_permit_counts_until_the_last_moment_at_which_any_limit_can_still_count_it() {
    let second_us = 1_000_000;
    for (limits, expected) in [
        (vec![per_second(5, LOG)], second_us),
        (vec![per_second(5, STRICT)], 2 * second_us),
        (vec![per_second(5, FIXED)], 2 * second_us),
        (vec![per_second(5, COUNTER)], 2 * second_us),
        (vec![per_second(5, GCRA)], second_us),
        (vec![per_second(5, gcra(6))], 2 * second_us),
        (vec![per_second(5, token_bucket(50))], 10 * second_us),
        (vec![per_second(5, token_bucket(1))], second_us),
        (vec![per_second(0, GCRA)], second_us),
        (vec![per_second(5, LOG), per_ms(9, 60_000, FIXED)], 120 * second_us),
    ] {
        assert_eq!(open(&limits, OnLimit::Reject).counts_for_us(), expected, "{limits:?}");
    }
    let lease = Some(LeaseConfig { max_permits: 5, life_ms: 100 });
    for (algorithm, expected) in [(LOG, 1_100_000), (STRICT, 2_200_000), (FIXED, 2_000_000)] {
        let leased = Config { limits: vec![per_second(500, algorithm)], on_limit: OnLimit::Reject, lease };
        assert_eq!(open_config(&leased).counts_for_us(), expected, "{algorithm:?}");
    }
}
