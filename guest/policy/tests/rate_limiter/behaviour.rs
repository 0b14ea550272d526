//! What each sentence of the contract says, by example.

use tidegate_policy::rate_limiter::{Algorithm, CostNeverFits, Decision, OnLimit, Reason, Verdict};

use crate::support::{
    ALGORITHMS, BUCKET, COUNTER, FIXED, GCRA, Key, LOG, QUEUE, STRICT, allowed, is_bucket, per_ms, per_second, shown,
};

const DELAY: OnLimit = OnLimit::Delay { max_wait_ms: 5_000 };
const MODES: [OnLimit; 3] = [OnLimit::Reject, DELAY, QUEUE];

/// When the 11th of 10 a second goes that all came at once at the start of a second.
fn next_ms(algorithm: Algorithm) -> u64 {
    match algorithm {
        Algorithm::Gcra { .. } | Algorithm::TokenBucket { .. } => 100,
        Algorithm::SlidingWindow { .. } | Algorithm::FixedWindow | Algorithm::SlidingLog => 1_000,
        // Nine tenths of the window before still count.
        Algorithm::SlidingWindowCounter => 1_100,
    }
}

mod ten_a_second_and_fifteen_at_once {
    use super::*;

    #[test]
    fn ten_pass_and_five_are_rejected() {
        for algorithm in ALGORITHMS {
            let mut key = Key::new(&[per_second(10, algorithm)], OnLimit::Reject);
            let decisions = key.burst(15);
            for (index, decision) in (1..).zip(&decisions[..10]) {
                assert_eq!((decision.verdict, decision.reason), (Verdict::Allowed, Reason::None), "{algorithm:?}");
                assert_eq!((decision.count, decision.limit, decision.remaining), (index, 10, 10 - index));
                assert_eq!((decision.at_us, decision.charged_at_us), (key.now_us(), key.now_us()));
                assert_eq!((decision.retry_after_ms, decision.wait_ms, decision.ticket), (0, 0, 0));
            }
            for decision in &decisions[10..] {
                assert_eq!((decision.verdict, decision.reason), (Verdict::Denied, Reason::Limit), "{algorithm:?}");
                assert_eq!((decision.count, decision.limit, decision.remaining), (10, 10, 0));
                assert_eq!(decision.retry_after_ms, next_ms(algorithm), "{algorithm:?}");
                assert_eq!((decision.charged_at_us, decision.wait_ms, decision.position), (0, 0, 0));
            }
        }
    }

    #[test]
    fn ten_pass_and_five_are_delayed() {
        for algorithm in ALGORITHMS {
            let mut key = Key::new(&[per_second(10, algorithm)], DELAY);
            let decisions = key.burst(15);
            assert_eq!(allowed(&decisions[..10]), 10, "{algorithm:?}");
            for (index, decision) in (0..).zip(&decisions[10..]) {
                let wait_ms = match algorithm {
                    // At 1,000 + 100 * n ms a further tenth of the 10 of the window before has
                    // left.
                    _ if is_bucket(algorithm) || algorithm == COUNTER => next_ms(algorithm) + 100 * index,
                    _ => next_ms(algorithm),
                };
                assert_eq!((decision.verdict, decision.reason), (Verdict::Wait, Reason::Limit), "{algorithm:?}");
                assert_eq!(decision.wait_ms, wait_ms, "{algorithm:?}");
                assert_eq!(decision.charged_at_us, key.now_us() + wait_ms * 1_000, "{algorithm:?}");
                assert_eq!((decision.ticket, decision.retry_after_ms, decision.position), (0, 0, 0));
            }
        }
    }

    #[test]
    fn ten_pass_and_five_are_queued_in_order() {
        for algorithm in ALGORITHMS {
            let mut key = Key::new(&[per_second(10, algorithm)], QUEUE);
            let decisions = key.burst(15);
            assert_eq!(allowed(&decisions[..10]), 10, "{algorithm:?}");
            for (index, decision) in (1..).zip(&decisions[10..]) {
                assert_eq!((decision.verdict, decision.reason), (Verdict::Wait, Reason::Limit), "{algorithm:?}");
                assert_eq!((decision.position, decision.waiting), (index, index), "{algorithm:?}");
                assert_eq!(decision.charged_at_us, 0, "a waiter is charged when it is let go");
                assert!(decision.wait_ms >= next_ms(algorithm), "{algorithm:?}");
            }
            for waiter in &decisions[10..] {
                let mut then = key.at_us(waiter.at_us + waiter.wait_ms * 1_000);
                std::mem::swap(&mut key, &mut then);
                let back = key.ask(1, 0, waiter.ticket);
                assert_eq!(back.verdict, Verdict::Allowed, "{algorithm:?}");
                assert_eq!(back.charged_at_us, key.now_us(), "{algorithm:?}");
            }
            assert_eq!(key.peek(1).waiting, 0);
        }
    }
}

#[test]
fn permits_come_back_when_the_window_has_passed() {
    for algorithm in ALGORITHMS {
        for on_limit in MODES {
            let mut key = Key::new(&[per_second(10, algorithm)], on_limit);
            let reset_after_ms = key.acquire(10).reset_after_ms;
            let expected_ms = match algorithm {
                Algorithm::SlidingWindowCounter => 2_000,
                _ => 1_000,
            };
            assert_eq!(reset_after_ms, expected_ms, "{algorithm:?}");
            key.pass_ms(reset_after_ms);
            assert_eq!(allowed(&key.burst(11)), 10, "{algorithm:?} {on_limit:?}");
        }
    }
}

/// The boundary that fixed windows and buckets let 20 through in: every other promise holds there.
#[test]
fn a_burst_on_both_sides_of_a_boundary() {
    for (algorithm, second) in [(STRICT, 0), (LOG, 0), (COUNTER, 0), (FIXED, 10), (GCRA, 1), (BUCKET, 1)] {
        let mut key = Key::new(&[per_second(10, algorithm)], OnLimit::Reject);
        key.pass_us(999_999 - 100_000);
        assert_eq!(allowed(&key.burst(20)), 10, "{algorithm:?}");
        key.pass_us(100_001);
        assert_eq!(allowed(&key.burst(20)), second, "{algorithm:?}");
    }
}

mod cost {
    use super::*;

    #[test]
    fn above_one_takes_that_many() {
        for algorithm in ALGORITHMS {
            for on_limit in MODES {
                let mut key = Key::new(&[per_second(10, algorithm)], on_limit);
                assert_eq!((key.acquire(7).count, key.peek(1).remaining), (7, 3), "{algorithm:?}");
                assert_ne!(key.clone().acquire(4).verdict, Verdict::Allowed, "{algorithm:?}");
                assert_eq!(key.acquire(3).verdict, Verdict::Allowed, "{algorithm:?}");
            }
        }
    }

    #[test]
    fn that_can_never_fit_is_a_fault_and_charges_nothing() {
        for algorithm in ALGORITHMS {
            for on_limit in MODES {
                let mut key = Key::new(&[per_second(10, algorithm), per_ms(8, 60_000, algorithm)], on_limit);
                for cost in [9, 10, 11, u32::MAX] {
                    let never = CostNeverFits { cost, binding: 1, limit: 8, count: 0, remaining: 8 };
                    assert_eq!(key.fault(cost), Some(never), "{algorithm:?}");
                    assert_eq!(key.limiter.try_acquire(&mut key.world, 0, cost), Err(never));
                    assert_eq!(key.limiter.peek(&mut key.world, 0, cost), Err(never));
                }
                assert_eq!(key.world.writes(), 0);
                assert_eq!(key.acquire(3).verdict, Verdict::Allowed);
                let never = CostNeverFits { cost: 9, binding: 1, limit: 8, count: 3, remaining: 5 };
                assert_eq!(key.fault(9), Some(never), "what counts now is told: {algorithm:?}");
                assert_eq!(key.fault(5), None);
            }
        }
    }

    #[test]
    fn is_bounded_by_the_burst_of_a_bucket() {
        for algorithm in [Algorithm::Gcra { burst: Some(25) }, Algorithm::TokenBucket { burst: Some(25) }] {
            let mut key = Key::new(&[per_second(10, algorithm)], OnLimit::Reject);
            assert_eq!(key.fault(26).map(|never| never.limit), Some(25));
            let all = key.acquire(25);
            assert_eq!((all.verdict, all.limit, all.reset_after_ms), (Verdict::Allowed, 25, 2_500));
        }
        let mut key = Key::new(&[per_second(10, Algorithm::Gcra { burst: Some(1) })], OnLimit::Reject);
        assert_eq!(allowed(&key.burst(3)), 1);
    }

    #[test]
    fn of_zero_is_a_peek_in_every_call() {
        for algorithm in ALGORITHMS {
            for on_limit in MODES {
                let mut key = Key::new(&[per_second(10, algorithm)], on_limit);
                for taken in [0, 9, 1] {
                    if taken > 0 {
                        key.acquire(taken);
                    }
                    let before = (shown(&key.world), key.world.writes());
                    let peeked = key.peek(1);
                    assert_eq!([key.acquire(0), key.try_acquire(0), key.peek(0), key.ask(0, 5, 77)], [peeked; 4]);
                    assert_eq!((shown(&key.world), key.world.writes()), before, "{algorithm:?} {on_limit:?}");
                }
                assert_eq!(key.acquire(0).verdict, Verdict::Denied, "{algorithm:?}");
            }
        }
    }
}

mod several_limits {
    use super::*;

    /// 10 a second and 1000 an hour.
    #[test]
    fn are_all_charged_or_none() {
        for second in ALGORITHMS {
            for hour in ALGORITHMS {
                let mut key = Key::new(&[per_second(10, second), per_ms(25, 3_600_000, hour)], OnLimit::Reject);
                for _ in 0..2 {
                    assert_eq!(allowed(&key.burst(12)), 10, "{second:?} {hour:?}");
                    key.pass_ms(2_500);
                }
                let before = shown(&key.world);
                let denied = key.acquire(6);
                assert_eq!(
                    (denied.verdict, denied.binding, denied.limit),
                    (Verdict::Denied, 1, 25),
                    "{second:?} {hour:?}"
                );
                assert_eq!(shown(&key.world), before, "a refusal by the second charges nothing in the first");
                assert_eq!(key.acquire(5).verdict, Verdict::Allowed, "{second:?} {hour:?}");
            }
        }
    }

    #[test]
    fn report_the_one_with_the_least_room() {
        let mut key = Key::new(&[per_second(10, STRICT), per_ms(15, 60_000, LOG)], OnLimit::Reject);
        let first = key.acquire(4);
        assert_eq!((first.binding, first.limit, first.remaining), (0, 10, 6));
        key.pass_ms(2_000);
        let second = key.acquire(4);
        assert_eq!((second.binding, second.limit, second.remaining), (0, 10, 6));
        key.pass_ms(2_000);
        let third = key.acquire(4);
        assert_eq!((third.binding, third.limit, third.count, third.remaining), (1, 15, 12, 3));
        let denied = key.acquire(4);
        assert_eq!((denied.binding, denied.retry_after_ms), (1, 56_000));
    }

    #[test]
    fn share_one_place_when_delayed() {
        for other in ALGORITHMS {
            let mut key = Key::new(&[per_second(2, other), per_ms(2, 3_000, LOG)], DELAY);
            key.acquire(2);
            let placed = key.acquire(1);
            assert_eq!((placed.verdict, placed.wait_ms), (Verdict::Wait, 3_000), "{other:?}");
            key.refund(1, placed.charged_at_us);
            assert_eq!(key.acquire(1).charged_at_us, placed.charged_at_us, "{other:?}");
        }
    }
}

mod delay {
    use super::*;

    #[test]
    fn denies_what_would_wait_longer_than_the_longest_wait() {
        for algorithm in ALGORITHMS {
            let longest_ms = next_ms(algorithm);
            let mut key = Key::new(&[per_second(10, algorithm)], OnLimit::Delay { max_wait_ms: longest_ms });
            key.acquire(10);
            assert_eq!(key.clone().acquire(1).wait_ms, longest_ms, "{algorithm:?}");
            let mut key = Key::new(&[per_second(10, algorithm)], OnLimit::Delay { max_wait_ms: longest_ms - 1 });
            key.acquire(10);
            let denied = key.acquire(1);
            assert_eq!((denied.verdict, denied.reason), (Verdict::Denied, Reason::MaxWait), "{algorithm:?}");
            assert_eq!(denied.retry_after_ms, 1, "a wait of the longest length is accepted then: {algorithm:?}");
        }
    }

    #[test]
    fn try_acquire_never_waits() {
        for algorithm in ALGORITHMS {
            let mut key = Key::new(&[per_second(10, algorithm)], DELAY);
            key.acquire(10);
            let denied = key.try_acquire(1);
            assert_eq!((denied.verdict, denied.reason), (Verdict::Denied, Reason::Limit), "{algorithm:?}");
            assert_eq!(denied.retry_after_ms, next_ms(algorithm), "{algorithm:?}");
        }
    }

    /// It never goes before those who do wait.
    #[test]
    fn try_acquire_does_not_take_a_reserved_place() {
        for algorithm in ALGORITHMS {
            let mut key = Key::new(&[per_second(10, algorithm)], DELAY);
            key.acquire(10);
            let placed = key.acquire(10);
            let mut then = key.at_us(placed.charged_at_us);
            assert_eq!(then.try_acquire(1).verdict, Verdict::Denied, "{algorithm:?}");
            then.world.set_us(placed.charged_at_us - 1);
            assert_eq!(then.try_acquire(1).verdict, Verdict::Denied, "{algorithm:?}");
        }
    }
}

/// As if the refused calls had not been made.
#[test]
fn refusal_charges_nothing() {
    for algorithm in ALGORITHMS {
        for on_limit in [OnLimit::Reject, OnLimit::Delay { max_wait_ms: 10 }, QUEUE] {
            let mut key = Key::new(&[per_second(10, algorithm)], on_limit);
            let mut spared = key.clone();
            for _ in 0..40 {
                assert_eq!(key.try_acquire(3), spared.try_acquire(3), "{algorithm:?} {on_limit:?}");
                for _ in 0..5 {
                    let (before, again) = (key.world.writes(), key.try_acquire(10));
                    assert_eq!((again.verdict, key.world.writes()), (Verdict::Denied, before), "{algorithm:?}");
                }
                assert_eq!(shown(&key.world), shown(&spared.world));
                key.pass_us(73_131);
                spared.pass_us(73_131);
            }
        }
    }
}

#[test]
fn reset_forgets_what_was_charged() {
    for algorithm in ALGORITHMS {
        for on_limit in MODES {
            let mut key = Key::new(&[per_second(10, algorithm), per_ms(11, 60_000, algorithm)], on_limit);
            key.acquire(10);
            key.reset();
            assert_eq!(shown(&key.world), Vec::<String>::new(), "{algorithm:?}");
            let after = key.acquire(10);
            assert_eq!((after.verdict, after.count), (Verdict::Allowed, 10), "{algorithm:?} {on_limit:?}");
        }
    }
}

#[test]
fn entities_do_not_share_permits() {
    for algorithm in ALGORITHMS {
        let mut key = Key::new(&[per_second(10, algorithm)], OnLimit::Reject);
        let ask = |key: &mut Key, entity| -> Decision {
            key.limiter.acquire(&mut key.world, entity, 10, 0, 0).expect("the cost fits")
        };
        assert_eq!(ask(&mut key, 0).verdict, Verdict::Allowed);
        assert_eq!(ask(&mut key, 1).verdict, Verdict::Allowed, "{algorithm:?}");
        assert_eq!(ask(&mut key, 0).verdict, Verdict::Denied, "{algorithm:?}");
        assert_eq!(ask(&mut key, 1).verdict, Verdict::Denied, "{algorithm:?}");
    }
}
