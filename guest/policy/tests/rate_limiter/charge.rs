//! Charging what was used, beyond the limits.

use tidegate_policy::rate_limiter::{Config, LeaseConfig, OnLimit, Reason, Verdict};

use crate::support::{
    ALGORITHMS, COUNTER, FIXED, GCRA, Key, LOG, QUEUE, STRICT, T0_US, allowed, is_bucket, per_ms, per_second,
};

const MODES: [OnLimit; 3] = [OnLimit::Reject, OnLimit::Delay { max_wait_ms: 500 }, QUEUE];

#[test]
fn that_fits_counts_as_an_ordinary_call() {
    for algorithm in ALGORITHMS {
        for on_limit in MODES {
            let mut key = Key::new(&[per_second(10, algorithm)], on_limit);
            let mut ordinary = key.clone();
            let charged = key.charge(7);
            assert_eq!(charged, ordinary.try_acquire(7), "{algorithm:?} {on_limit:?}");
            assert_eq!(key.refund_of(7, &charged).count, 0, "and can be given back");
        }
    }
}

/// 250 of 100 a minute: the first of those who come later goes when 151 have come back, or at the
/// place that is left.
#[test]
fn beyond_the_limit_is_a_debt_that_later_calls_wait_for() {
    // The debt of a window is paid by the windows after it; the last holds 50, and has room at
    // once.
    let waits_ms = |algorithm| match algorithm {
        FIXED | STRICT | LOG => 2 * 60_000,
        // The window before the last counts whole at first, and may count for no more than 49.
        COUNTER => 2 * 60_000 + 30_600,
        _ => 151 * 600,
    };
    for algorithm in ALGORITHMS {
        for on_limit in MODES {
            // A whole minute, for the windows that begin with one.
            let mut key = Key::new(&[per_ms(100, 60_000, algorithm)], on_limit);
            key.pass_ms(60_000 - T0_US / 1_000 % 60_000);
            let charged = key.charge(250);
            assert_eq!((charged.verdict, charged.reason), (Verdict::Allowed, Reason::None), "{algorithm:?}");
            assert_eq!((charged.count, charged.remaining), (250, 0), "{algorithm:?} {on_limit:?}");
            assert_eq!(charged.retry_after_ms, waits_ms(algorithm), "{algorithm:?} {on_limit:?}");
            assert_eq!(key.try_acquire(1).verdict, Verdict::Denied, "{algorithm:?}");
            key.pass_ms(charged.retry_after_ms - 1);
            assert_eq!(key.try_acquire(1).verdict, Verdict::Denied, "{algorithm:?} {on_limit:?}");
            key.pass_ms(1);
            assert_eq!(key.try_acquire(1).verdict, Verdict::Allowed, "{algorithm:?} {on_limit:?}");
        }
    }
}

/// However much each call turns out to have used, no more than the limit a window is used in the
/// long run.
#[test]
fn is_paid_at_the_rate_of_the_limit() {
    for algorithm in ALGORITHMS {
        let mut key = Key::new(&[per_second(10, algorithm)], OnLimit::Reject);
        let mut used = 0;
        for _ in 0..10_000 {
            key.pass_ms(10);
            if key.try_acquire(1).verdict == Verdict::Allowed {
                key.charge(34);
                used += 35;
            }
        }
        assert!((900..=1_070).contains(&used), "{algorithm:?}: {used} in 100 s");
    }
}

#[test]
fn of_several_limits_is_a_debt_in_each() {
    let limits = [per_second(10, STRICT), per_ms(100, 60_000, GCRA), per_ms(1_000, 3_600_000, LOG)];
    let mut key = Key::new(&limits, OnLimit::Reject);
    let charged = key.charge(130);
    assert_eq!((charged.verdict, charged.charged_at_us), (Verdict::Allowed, 0));
    assert_eq!(charged.retry_after_ms, 31 * 600, "of the second limit");
    key.pass_ms(31 * 600);
    assert_eq!(key.try_acquire(1).verdict, Verdict::Allowed);
    assert_eq!(key.peek(1).verdict, Verdict::Denied);
}

/// Of places that others may share nothing is given back; of a bucket what it still lacks is.
#[test]
fn debt_is_given_back_only_to_a_bucket() {
    for algorithm in ALGORITHMS {
        let mut key = Key::new(&[per_second(10, algorithm)], OnLimit::Reject);
        let charged = key.charge(25);
        assert_eq!(charged.charged_at_us != 0, is_bucket(algorithm), "{algorithm:?}");
        if is_bucket(algorithm) {
            assert_eq!(key.refund_of(20, &charged).count, 5, "{algorithm:?}");
        }
    }
}

/// The state stays bounded and readable, however much is owed.
#[test]
fn without_bound_is_cut_off() {
    for algorithm in ALGORITHMS {
        for limit in [1, 3, 10_000] {
            let mut key = Key::new(&[per_ms(limit, 1_000, algorithm)], OnLimit::Reject);
            for cost in [u32::MAX, 1, u32::MAX, 70_000] {
                let charged = key.charge(cost);
                assert_eq!((charged.verdict, charged.remaining, charged.discarded), (Verdict::Allowed, 0, 0));
            }
            let owed_ms = key.peek(1).retry_after_ms;
            let least_ms = if algorithm == LOG && limit == 10_000 { 1_000 } else { 999_000 };
            assert!((least_ms..=1_210_000).contains(&owed_ms), "{algorithm:?} {limit}: {owed_ms}");
            let longest = key.world.live_cells().map(|(_, text)| text.len()).max();
            assert!(longest < Some(32_000), "{algorithm:?} {limit}: {longest:?}");
            key.pass_ms(owed_ms - 1);
            assert_eq!(key.try_acquire(1).verdict, Verdict::Denied, "{algorithm:?} {limit}: the state is gone");
        }
    }
    let longest = per_ms(1, 366 * 86_400_000, GCRA);
    assert_eq!(Key::new(&[longest], OnLimit::Reject).charge(u32::MAX).verdict, Verdict::Allowed);
}

#[test]
fn of_nothing_is_a_peek() {
    for algorithm in ALGORITHMS {
        let mut key = Key::new(&[per_second(10, algorithm)], OnLimit::Reject);
        let charged = key.charge(0);
        assert_eq!((charged.verdict, charged.charged_at_us, charged.count), (Verdict::Allowed, 0, 0));
        assert_eq!(key.world.writes(), 0);
    }
}

/// What this host holds was charged already, so it pays.
#[test]
fn is_paid_from_a_lease_that_is_enough() {
    let lease = Some(LeaseConfig { max_permits: 10, life_ms: 100 });
    let mut key = Key::of(&Config { limits: vec![per_second(100, STRICT)], on_limit: OnLimit::Reject, lease });
    for _ in 0..12 {
        key.acquire(1);
    }
    let held = key.peek(1);
    assert!(held.leased, "{held:?}");
    let paid = key.charge(1);
    assert!(paid.leased && paid.charged_at_us > 0, "{paid:?}");
    let beyond = key.charge(150);
    assert!(!beyond.leased && beyond.retry_after_ms > 0, "{beyond:?}");
}

/// It was used already, so it does not wait for those who do; and they wait for it.
#[test]
fn goes_before_those_who_wait() {
    let mut key = Key::new(&[per_second(10, GCRA)], QUEUE);
    key.acquire(10);
    let waits = key.acquire(1);
    assert_eq!(waits.wait_ms, 100);
    key.charge(5);
    key.pass_ms(100);
    let still = key.ask(1, 0, waits.ticket);
    assert_eq!((still.verdict, still.wait_ms), (Verdict::Wait, 500));
}

mod limit_of_nothing {
    use super::*;

    #[test]
    fn denies_every_call_without_a_time_to_come_back() {
        for algorithm in ALGORITHMS {
            for on_limit in MODES {
                let mut key = Key::new(&[per_second(10, STRICT), per_ms(0, 60_000, algorithm)], on_limit);
                for cost in [0, 1, 10, u32::MAX] {
                    for denied in [key.acquire(cost), key.try_acquire(cost), key.peek(cost)] {
                        assert_eq!((denied.verdict, denied.reason), (Verdict::Denied, Reason::Limit), "{algorithm:?}");
                        assert_eq!((denied.binding, denied.limit, denied.remaining), (1, 0, 0), "{algorithm:?}");
                        assert_eq!((denied.retry_after_ms, denied.wait_ms, denied.ticket), (0, 0, 0), "{algorithm:?}");
                    }
                }
                key.refund(1, T0_US);
                key.reset();
                assert_eq!(key.limiter.release(&mut key.world, 0, true), 0);
                assert_eq!(key.limiter.post(&mut key.world, 0, 1).verdict, Verdict::Denied);
                assert_eq!(key.charge(1).verdict, Verdict::Allowed, "which is never refused");
                assert!(!key.cancel(1));
                assert_eq!(key.world.writes(), 0, "there is nothing to count");
            }
        }
    }

    #[test]
    fn is_no_more_when_shared() {
        let mut key = Key::new(&[per_second(0, STRICT)], OnLimit::Reject);
        key.limiter = key.limiter.share(3).expect("the number is sound");
        let denied = key.acquire(1);
        assert_eq!((denied.verdict, denied.retry_after_ms, denied.limit), (Verdict::Denied, 0, 0));
    }

    #[test]
    fn leases_nothing() {
        let lease = Some(LeaseConfig { max_permits: 10, life_ms: 100 });
        let mut key = Key::of(&Config { limits: vec![per_second(0, GCRA)], on_limit: OnLimit::Reject, lease });
        assert_eq!(allowed(&key.burst(20)), 0);
    }
}
