//! What a clock that steps back and a limit that is changed do to a key that is in use.

use tidegate_policy::rate_limiter::{Algorithm, OnLimit, Verdict};

use crate::support::{BUCKET, COUNTER, FIXED, GCRA, Key, LOG, STRICT, allowed, open, per_second};

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

/// Counts of permits mean the same under another limit; a bucket's number means nothing under another rate.
#[test]
fn changed_limit_goes_on_from_the_same_counts() {
    for algorithm in [STRICT, FIXED, COUNTER, LOG] {
        let mut key = Key::new(&[per_second(10, algorithm)], OnLimit::Reject);
        key.acquire(10);
        key.limiter = open(&[per_second(12, algorithm)], OnLimit::Reject);
        assert_eq!(allowed(&key.burst(5)), 2, "{algorithm:?}");
        key.limiter = open(&[per_second(5, algorithm)], OnLimit::Reject);
        let denied = key.acquire(1);
        assert_eq!((denied.verdict, denied.count, denied.remaining), (Verdict::Denied, 12, 0), "{algorithm:?}");
    }
}
