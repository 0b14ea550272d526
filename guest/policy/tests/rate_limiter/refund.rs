//! What a refund gives back, by algorithm.

use tidegate_policy::rate_limiter::{Algorithm, OnLimit, Verdict};

use crate::support::{ALGORITHMS, BUCKET, COUNTER, FIXED, GCRA, Key, LOG, STRICT, T0_US, open, per_ms, per_second};

#[test]
fn gives_permits_back_at_once() {
    for algorithm in ALGORITHMS {
        let mut key = Key::new(&[per_second(10, algorithm)], OnLimit::Reject);
        let charged = key.acquire(10);
        assert_eq!(key.acquire(4).verdict, Verdict::Denied, "{algorithm:?}");
        let after = key.refund(4, charged.charged_at_us);
        assert_eq!((after.count, after.remaining), (6, 4), "{algorithm:?}");
        assert_eq!(after.charged_at_us, 0, "{algorithm:?}");
        assert_eq!(key.acquire(5).verdict, Verdict::Denied, "{algorithm:?}");
        assert_eq!(key.acquire(4).verdict, Verdict::Allowed, "{algorithm:?}");
    }
}

#[test]
fn never_lifts_a_key_above_its_limit() {
    for algorithm in ALGORITHMS {
        let mut key = Key::new(&[per_second(10, algorithm)], OnLimit::Reject);
        assert_eq!(key.refund(10, key.now_us()).remaining, 10, "{algorithm:?}");
        let charged = key.acquire(3);
        for _ in 0..3 {
            assert!(key.refund(10, charged.charged_at_us).remaining <= 10, "{algorithm:?}");
        }
        assert_eq!(key.refund(u32::MAX, charged.charged_at_us).remaining, 10, "{algorithm:?}");
        assert_eq!(key.acquire(10).verdict, Verdict::Allowed, "{algorithm:?}");
        assert_eq!(key.acquire(1).verdict, Verdict::Denied, "{algorithm:?}");
    }
}

#[test]
fn of_nothing_or_of_another_time_changes_nothing() {
    for algorithm in ALGORITHMS {
        let mut key = Key::new(&[per_second(10, algorithm)], OnLimit::Reject);
        let charged = key.acquire(10);
        key.pass_ms(10);
        let writes = key.world.writes();
        key.refund(0, charged.charged_at_us);
        for other_us in [0, 1, charged.charged_at_us - 5_000_000] {
            key.refund(10, other_us);
        }
        assert_eq!(key.world.writes(), writes, "{algorithm:?}");
    }
}

/// Half a second has given 5 of the 10 back by itself; the refund gives the other 5 and not those
/// again.
#[test]
fn bucket_gives_back_only_what_has_not_come_back() {
    for algorithm in [GCRA, BUCKET] {
        let mut key = Key::new(&[per_second(10, algorithm)], OnLimit::Reject);
        let charged = key.acquire(10);
        key.pass_ms(500);
        assert_eq!(key.acquire(5).verdict, Verdict::Allowed);
        assert_eq!(key.refund(10, charged.charged_at_us).remaining, 5, "{algorithm:?}");
        key.pass_ms(500);
        let writes = key.world.writes();
        assert_eq!(key.refund(10, charged.charged_at_us).remaining, 10, "{algorithm:?}");
        assert_eq!(key.world.writes(), writes, "what has come back is given back again: {algorithm:?}");
    }
}

/// 600 of 60,000 a minute: what was charged first comes back first, so of a bucket that lacked more
/// than comes back in the meantime nothing of them has come back.
#[test]
fn bucket_gives_back_by_what_it_lacked_before() {
    for algorithm in [GCRA, BUCKET] {
        let limit = per_ms(60_000, 60_000, algorithm);
        for (before, after_ms, given) in
            [(0, 500, 100), (0, 600, 0), (0, 1_000, 0), (600, 500, 600), (600, 700, 500), (6_000, 1_000, 600)]
        {
            let mut key = Key::new(&[limit], OnLimit::Reject);
            if before > 0 {
                key.acquire(before);
            }
            let charged = key.acquire(600);
            assert_eq!(charged.full_at_us, T0_US + u64::from(before) * 1_000, "{algorithm:?}");
            key.pass_ms(after_ms);
            let lacking = key.peek(1).count;
            let left = key.refund_of(600, &charged).count;
            assert_eq!(lacking - left, given, "{algorithm:?} {before} {after_ms}");
        }
    }
}

/// An estimate that is corrected when the call has ended, while others are on their way: each gives
/// all back that was not used.
#[test]
fn bucket_that_lacks_much_gives_back_all_of_many_that_are_on_their_way() {
    let mut key = Key::new(&[per_ms(60_000, 60_000, GCRA)], OnLimit::Reject);
    key.acquire(58_000);
    let mut on_their_way = std::collections::VecDeque::new();
    let (mut admitted, mut given_back) = (0, 0);
    for step in 0..200 {
        key.pass_ms(100);
        let call = key.acquire(200);
        if call.verdict == Verdict::Allowed {
            admitted += 1;
            on_their_way.push_back((step, call));
        }
        while on_their_way.front().is_some_and(|(since, _)| step - since >= 50) {
            let (_, call) = on_their_way.pop_front().expect("there is one");
            let lacking = key.peek(1).count;
            given_back += lacking - key.refund_of(150, &call).count;
        }
    }
    assert!(admitted > 100, "{admitted}");
    let ended = admitted - u32::try_from(on_their_way.len()).expect("few");
    assert_eq!(given_back, 150 * ended, "of {ended} calls");
}

/// Two charges of one time: when the first is given back, the second has come back by itself, and
/// is not given once more.
#[test]
fn bucket_gives_no_permit_back_that_another_refund_let_come_back() {
    let mut key = Key::new(&[per_ms(60_000, 60_000, GCRA)], OnLimit::Reject);
    let (first, second) = (key.acquire(600), key.acquire(600));
    key.refund_of(600, &first);
    key.pass_ms(600);
    assert_eq!(key.acquire(600).count, 600);
    assert_eq!(key.refund_of(600, &second).count, 600, "those are the third's");
    key.refund_of(600, &second);
    assert_eq!(key.acquire(59_401).verdict, Verdict::Denied);
}

/// Buckets are known by one time, that of the first to be full: each gives back no more than it
/// lacks of the permits.
#[test]
fn several_buckets_give_back_by_the_one_that_is_full_first() {
    let limits = [per_ms(100, 1_000, GCRA), per_ms(1_000, 60_000, GCRA)];
    let mut key = Key::new(&limits, OnLimit::Reject);
    for _ in 0..5 {
        assert_eq!(key.acquire(100).verdict, Verdict::Allowed);
        key.pass_ms(1_000);
    }
    let charged = key.acquire(100);
    assert_eq!(charged.full_at_us, key.now_us(), "the faster one was full");
    key.pass_ms(500);
    let alone = |limit: usize, key: &Key| {
        Key { world: key.world.clone(), limiter: open(&limits[limit..=limit], OnLimit::Reject) }.peek(1).count
    };
    let before = [alone(0, &key), alone(1, &key)];
    key.refund_of(100, &charged);
    assert_eq!(before[0] - alone(0, &key), 50, "the rest has come back");
    let of_the_second = before[1] - alone(1, &key);
    assert!(
        (91..=92).contains(&of_the_second),
        "as if it had been full too, 100 less what comes back: {of_the_second}"
    );
}

#[test]
fn window_and_log_take_permits_out_of_the_very_place() {
    for algorithm in [STRICT, LOG] {
        let mut key = Key::new(&[per_second(10, algorithm)], OnLimit::Reject);
        let first = key.acquire(4);
        key.pass_ms(500);
        key.acquire(6);
        key.refund(4, first.charged_at_us);
        assert_eq!(key.peek(1).count, 6, "{algorithm:?}");
        key.acquire(4);
        key.pass_ms(600);
        assert_eq!(key.peek(1).count, 10, "the refunded ones were the old ones: {algorithm:?}");
    }
}

#[test]
fn of_a_place_before_the_last_one_gives_it_back() {
    let mut key = Key::new(&[per_second(3, STRICT)], OnLimit::Delay { max_wait_ms: 5_000 });
    for _ in 0..3 {
        key.acquire(1);
        key.pass_ms(100);
    }
    let [first, second] = [2, 1].map(|cost| key.acquire(cost));
    key.refund(2, first.charged_at_us);
    let again = key.acquire(1);
    assert!(again.charged_at_us < second.charged_at_us);
    let before = key.peek(1).count;
    assert_eq!(key.refund(1, again.charged_at_us).count, before - 1);
}

#[test]
fn of_a_place_right_behind_another_gives_all_of_it_back() {
    let mut key = Key::new(&[per_second(3, STRICT)], OnLimit::Delay { max_wait_ms: 5_000 });
    for cost in [1, 2] {
        key.acquire(cost);
        key.pass_us(400);
    }
    let [_, second] = [1, 2].map(|cost| key.acquire(cost));
    let before = key.peek(1).count;
    assert_eq!(key.refund(2, second.charged_at_us).count, before - 2);
}

/// Of many places that lie ahead, as of a key that callers come back to: each refund gives back all
/// that it names.
#[test]
fn of_a_place_among_many_gives_all_of_it_back() {
    for seed in 0..1_000_u64 {
        let mut key = Key::new(&[per_ms(16, 133, STRICT)], OnLimit::Delay { max_wait_ms: 125 });
        let mut random = seed;
        let mut next = |below: u64| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (random >> 33) % below
        };
        let mut held = Vec::new();
        for _ in 0..200 {
            key.pass_us(next(6_000));
            let cost = u32::try_from(next(3)).expect("it is small") + 1;
            let decision = key.acquire(cost);
            if decision.verdict != Verdict::Denied {
                held.push((decision.charged_at_us, cost));
            }
            if next(3) == 0 && !held.is_empty() {
                let place = usize::try_from(next(held.len() as u64)).expect("it is small");
                let (charged_at_us, cost) = held.swap_remove(place);
                let before = key.peek(1);
                let counts = charged_at_us + 133_000 > before.at_us;
                let expected = if counts { before.count - cost } else { before.count };
                let after = key.refund(cost, charged_at_us).count;
                assert!(after == expected || !counts, "seed {seed}: {cost} of {charged_at_us} at {}", before.at_us);
            }
        }
    }
}

#[test]
fn of_a_window_gone_by_gives_nothing() {
    for algorithm in [STRICT, FIXED, COUNTER, LOG] {
        let mut key = Key::new(&[per_second(10, algorithm)], OnLimit::Reject);
        let first = key.acquire(10);
        key.pass_ms(2_100);
        assert_eq!(key.acquire(10).verdict, Verdict::Allowed, "{algorithm:?}");
        assert_eq!(key.refund(10, first.charged_at_us).remaining, 0, "{algorithm:?}");
    }
}

#[test]
fn of_several_limits_gives_back_in_all() {
    let limits = [per_second(10, STRICT), per_ms(1_000, 3_600_000, GCRA), per_ms(100, 60_000, LOG)];
    let mut key = Key::new(&limits, OnLimit::Reject);
    let charged = key.acquire(10);
    key.refund(10, charged.charged_at_us);
    for _ in 0..3 {
        let charged = key.acquire(10);
        assert_eq!(charged.verdict, Verdict::Allowed);
        assert_eq!(key.refund(10, charged.charged_at_us).count, 0);
    }
}

/// A call of a host that lags must not find room in a window that others know to be full, only
/// since the permit that had moved the key's time was given back.
#[test]
fn does_not_turn_the_time_of_a_key_back() {
    for algorithm in [STRICT, FIXED, COUNTER, LOG] {
        for on_limit in [OnLimit::Reject, OnLimit::Delay { max_wait_ms: 50 }] {
            let mut key = Key::new(&[per_second(5, algorithm)], on_limit);
            key.acquire(5);
            key.pass_ms(1_500);
            let later = key.acquire(1);
            assert_eq!(later.verdict, Verdict::Allowed);
            key.refund(1, later.charged_at_us);
            let lagging = key.at_us(T0_US + 1_000_000 - 1).acquire(1);
            let counted_us = lagging.charged_at_us;
            let gives = lagging.verdict != Verdict::Denied && counted_us < T0_US + 1_000_000;
            assert!(!gives, "{algorithm:?} {on_limit:?}: {lagging:?}");
        }
    }
}

/// Nor does a host that lags turn it back with what it stores itself.
#[test]
fn after_a_lagging_charge_does_not_turn_the_time_of_a_key_back() {
    for algorithm in [STRICT, FIXED, LOG] {
        let mut key = Key::new(&[per_second(5, algorithm)], OnLimit::Reject);
        key.acquire(5);
        key.pass_ms(1_500);
        let later = key.acquire(1);
        key.world.set_us(T0_US + 999_999);
        let lagging = key.acquire(1);
        assert_eq!((later.verdict, lagging.verdict), (Verdict::Allowed, Verdict::Allowed), "{algorithm:?}");
        key.refund(1, lagging.charged_at_us);
        key.refund(1, later.charged_at_us);
        let back = key.acquire(2);
        assert!(back.verdict == Verdict::Denied || back.charged_at_us >= T0_US + 1_000_000, "{algorithm:?}: {back:?}");
    }
}

mod of_a_place {
    use super::*;

    fn key(algorithm: Algorithm) -> Key {
        Key::new(&[per_second(10, algorithm)], OnLimit::Delay { max_wait_ms: 5_000 })
    }

    #[test]
    fn that_is_the_last_gives_it_to_the_next() {
        for algorithm in ALGORITHMS {
            let mut key = key(algorithm);
            key.acquire(10);
            let waits = key.acquire(2);
            assert_eq!(waits.verdict, Verdict::Wait);
            key.refund(2, waits.charged_at_us);
            assert_eq!(key.acquire(2), waits, "{algorithm:?}");
        }
    }

    /// Those behind it were told their places already: what is left ahead of them cannot be given
    /// to a newcomer.
    #[test]
    fn of_a_bucket_that_others_are_behind_gives_nothing() {
        for algorithm in [GCRA, BUCKET] {
            let mut key = key(algorithm);
            key.acquire(10);
            let (waits, behind) = (key.acquire(1), key.acquire(1));
            key.refund(1, waits.charged_at_us);
            let next = key.acquire(1);
            assert_eq!(next.charged_at_us, behind.charged_at_us + 100_000, "{algorithm:?}");
        }
    }

    #[test]
    fn of_a_window_is_free_again_before_those_behind() {
        let mut key = key(FIXED);
        key.acquire(10);
        let first = key.acquire(10);
        let second = key.acquire(10);
        assert_eq!(second.charged_at_us, first.charged_at_us + 1_000_000);
        key.refund(3, first.charged_at_us);
        assert_eq!(key.acquire(3).charged_at_us, first.charged_at_us);
        assert!(key.acquire(1).charged_at_us > second.charged_at_us);
    }
}

/// Of two buckets the first places the second call 100 ms ahead, from where on it counts in the
/// other too. By that time half of what the first call took has come back, which a refund before it
/// must not give as well.
#[test]
fn bucket_gives_back_nothing_that_comes_back_until_a_place_that_another_limit_chose() {
    let of = |limit, window_ms, burst| per_ms(limit, window_ms, Algorithm::Gcra { burst: Some(burst) });
    let mut key = Key::new(&[of(10, 1_000, 1), of(10, 4_000, 2)], OnLimit::Delay { max_wait_ms: 400 });
    let start_us = key.now_us();
    let first = key.acquire(1);
    assert_eq!((first.wait_ms, key.acquire(1).wait_ms), (0, 100));
    key.pass_ms(50);
    key.refund_of(1, &first);
    let third = key.acquire(1);
    assert!(third.charged_at_us >= start_us + 200_000, "{third:?}");
    key.pass_ms(400);
    let fourth = key.acquire(1);
    assert!(fourth.charged_at_us >= start_us + 500_000, "three go within less than 400 ms: {fourth:?}");
}

/// The second limit places a call where the first bucket's last place would be by its own count,
/// and four permits after it. What is given back of that place must not let seven go where six may.
#[test]
fn bucket_gives_no_place_back_that_another_limit_chose() {
    let bucket = per_ms(10, 1_000, Algorithm::Gcra { burst: Some(6) });
    let mut key = Key::new(&[bucket, per_ms(15, 2_700, LOG)], OnLimit::Delay { max_wait_ms: 2_700 });
    let start_us = key.now_us();
    key.acquire(2);
    key.pass_ms(50);
    key.acquire(4);
    for _ in 0..9 {
        key.acquire(1);
    }
    key.pass_ms(1_950);
    let first = key.acquire(2);
    let after = [key.acquire(1), key.acquire(3)];
    assert_eq!(first.charged_at_us, start_us + 2_700_000);
    assert_eq!(after.map(|decision| decision.charged_at_us), [start_us + 2_750_000; 2]);
    key.refund_of(2, &first);
    key.pass_ms(750);
    let two = key.acquire(2);
    let seventh = if two.charged_at_us > key.now_us() {
        two
    } else {
        key.pass_ms(50);
        key.acquire(1)
    };
    assert!(seventh.charged_at_us >= start_us + 2_850_000, "{seventh:?}");
}
