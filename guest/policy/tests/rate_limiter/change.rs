//! What a clock that steps back and a limit that is changed do to a key that is in use.

use tidegate_policy::rate_limiter::{Algorithm, OnLimit, Verdict};

use tidegate_policy::kv::{Cell, Kv};

use crate::support::{ALGORITHMS, BUCKET, COUNTER, FIXED, GCRA, Key, LOG, STRICT, allowed, open, per_ms, per_second};

/// For buckets the host sees to it that time does not run backwards for a key.
const SEEING: [Algorithm; 4] = [STRICT, FIXED, COUNTER, LOG];

#[test]
fn stepping_back_gives_no_permits() {
    for algorithm in SEEING {
        for back_ms in [1, 99, 100, 500, 999] {
            let mut key = Key::new(&[per_second(10, algorithm)], OnLimit::Reject);
            key.pass_ms(2_000);
            assert_eq!(key.acquire(10).verdict, Verdict::Allowed);
            let mut back = key.at_us(key.now_us() - back_ms * 1_000);
            assert_eq!(allowed(&back.burst(11)), 0, "{algorithm:?} {back_ms}");
        }
    }
}

/// A permit that is given then is charged at the latest time seen, and so are those who look on.
#[test]
fn stepping_back_takes_no_permits() {
    for algorithm in [STRICT, FIXED, LOG] {
        for back_ms in [1, 99, 100, 500, 999] {
            let mut key = Key::new(&[per_second(10, algorithm)], OnLimit::Reject);
            key.acquire(9);
            key.pass_ms(2_000);
            key.acquire(1);
            let (now_us, back_us) = (key.now_us(), key.now_us() - back_ms * 1_000);
            let mut back = key.at_us(back_us);
            let nine = back.acquire(9);
            assert_eq!(nine.verdict, Verdict::Allowed, "{algorithm:?} {back_ms}");
            assert_eq!(nine.at_us, back_us);
            assert!(nine.charged_at_us >= back_us && nine.charged_at_us <= now_us, "{algorithm:?} {nine:?}");
            assert_eq!(back.at_us(now_us + 1_100_000).acquire(10).verdict, Verdict::Allowed, "{algorithm:?}");
        }
    }
}

#[test]
fn stepping_back_lets_a_bucket_under_admit_only() {
    for algorithm in [GCRA, BUCKET] {
        let mut key = Key::new(&[per_second(10, algorithm)], OnLimit::Reject);
        key.acquire(10);
        key.pass_ms(500);
        key.acquire(3);
        let mut back = key.at_us(key.now_us() - 400_000);
        assert_eq!(back.acquire(1).verdict, Verdict::Denied);
        let mut forth = back.at_us(key.now_us());
        assert_eq!(allowed(&forth.burst(5)), 2, "{algorithm:?}");
    }
}

#[test]
fn changed_limit_goes_on_from_the_same_counts() {
    for algorithm in ALGORITHMS {
        let mut key = Key::new(&[per_second(10, algorithm)], OnLimit::Reject);
        key.acquire(10);
        key.limiter = open(&[per_second(12, algorithm)], OnLimit::Reject);
        assert_eq!(allowed(&key.burst(5)), 2, "{algorithm:?}");
        key.limiter = open(&[per_second(5, algorithm)], OnLimit::Reject);
        let denied = key.acquire(1);
        assert_eq!((denied.verdict, denied.count, denied.remaining), (Verdict::Denied, 12, 0), "{algorithm:?}");
    }
}

/// Whoever comes first, and however they take turns.
#[test]
fn hosts_that_do_not_agree_let_go_no_more_than_the_greatest_limit_at_once() {
    for algorithm in ALGORITHMS {
        for limits in [[100, 50, 99], [50, 99, 100], [99, 100, 50], [50, 100, 99]] {
            for calls in [1, 7, 200] {
                let mut key = Key::new(&[per_ms(1, 60_000, algorithm)], OnLimit::Reject);
                let hosts = limits.map(|limit| open(&[per_ms(limit, 60_000, algorithm)], OnLimit::Reject));
                let mut given = 0;
                for _ in 0..200 / calls {
                    for host in &hosts {
                        key.limiter = host.clone();
                        given += allowed(&key.burst(calls));
                    }
                }
                assert_eq!(given, 100, "{algorithm:?} {limits:?} {calls}");
            }
        }
    }
}

/// The same where the hosts' changes lie far enough apart to move the bucket, again and again.
#[test]
fn bucket_that_is_moved_forgets_nothing() {
    for algorithm in [GCRA, BUCKET] {
        let hosts = [100, 50, 99].map(|limit| open(&[per_ms(limit, 86_400_000, algorithm)], OnLimit::Reject));
        let mut key = Key::new(&[per_ms(1, 1_000, algorithm)], OnLimit::Reject);
        let mut given = 0;
        for turn in 0..200 {
            key.limiter = hosts[turn % 3].clone();
            given += allowed(&key.burst(3));
            key.pass_ms(1_001);
        }
        assert_eq!(given, 100, "{algorithm:?}");
    }
}

/// From the change on the promise is that of the new limit, over what was charged under the old one
/// as well.
#[test]
fn bucket_refills_at_the_new_rate() {
    for algorithm in [GCRA, BUCKET] {
        for (old, new, wait_ms) in [(100, 50, 61_200), (50, 100, 0), (60, 120, 0), (120, 60, 61_000)] {
            let mut key = Key::new(&[per_ms(old, 60_000, algorithm)], OnLimit::Reject);
            key.acquire(old);
            key.limiter = open(&[per_ms(new, 60_000, algorithm)], OnLimit::Reject);
            let next = key.acquire(1);
            assert_eq!(next.retry_after_ms, wait_ms, "{old} {new}: {next:?}");
            let more = allowed(&key.burst(200));
            assert_eq!(more, new.saturating_sub(old + 1) as usize, "{old} {new}");
        }
    }
}

/// What an earlier version has charged: a number alone, of which nobody says by which limit it
/// counts.
#[test]
fn bucket_of_an_earlier_version_goes_on() {
    let mut key = Key::new(&[per_second(10, GCRA)], OnLimit::Reject);
    key.acquire(10);
    let said: Vec<Cell> =
        key.world.live_cells().filter(|(_, text)| text.starts_with("b1")).map(|(cell, _)| cell).collect();
    assert_eq!(said.len(), 1);
    key.world.put(said[0], None, 0);
    assert_eq!(key.acquire(1).verdict, Verdict::Denied);
    key.pass_ms(300);
    assert_eq!(allowed(&key.burst(5)), 3);
}

#[test]
fn bucket_gives_nothing_back_that_was_charged_under_another_limit() {
    let mut key = Key::new(&[per_second(10, GCRA)], OnLimit::Reject);
    let charged = key.acquire(10);
    key.limiter = open(&[per_second(20, GCRA)], OnLimit::Reject);
    assert_eq!(key.acquire(5).count, 15);
    assert_eq!(key.refund_of(10, &charged).count, 15, "it may have come back at another rate");
    key.pass_ms(5_000);
    let charged = key.acquire(10);
    assert_eq!(key.refund_of(10, &charged).count, 0);
}

/// Where a window or an algorithm is changed, nothing is taken over.
#[test]
fn changed_window_or_algorithm_starts_afresh() {
    for (before, after) in
        [(per_second(10, GCRA), per_ms(10, 2_000, GCRA)), (per_second(10, GCRA), per_second(10, STRICT))]
    {
        let mut key = Key::new(&[before], OnLimit::Reject);
        key.acquire(10);
        key.limiter = open(&[after], OnLimit::Reject);
        assert_eq!(allowed(&key.burst(20)), 10);
    }
}

/// Several buckets of one window are told apart by their order.
#[test]
fn buckets_of_one_window_do_not_count_in_each_other() {
    let limits = |fast, slow| {
        [per_second(fast, Algorithm::Gcra { burst: Some(2) }), per_second(slow, Algorithm::Gcra { burst: Some(50) })]
    };
    let mut key = Key::new(&limits(10, 9), OnLimit::Reject);
    for _ in 0..10 {
        assert_eq!(key.acquire(2).verdict, Verdict::Allowed);
        key.pass_ms(200);
    }
    let before = key.peek(1);
    key.limiter = open(&limits(9, 8), OnLimit::Reject);
    assert_eq!(key.acquire(2).verdict, Verdict::Allowed);
    assert_eq!((before.binding, before.remaining), (0, 2));
    assert_eq!(key.acquire(1).verdict, Verdict::Denied);
    key.pass_ms(250);
    assert_eq!(key.acquire(2).verdict, Verdict::Allowed);
}
