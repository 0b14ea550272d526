//! What a strict window does where hosts get in each other's way: whoever was refused keeps a group
//! open for the others.

use tidegate_policy::rate_limiter::{OnLimit, Verdict};

use crate::support::{Key, STRICT, per_ms, per_second, shown};

/// A key of which a call has been refused for so long before it was admitted.
fn refused(limit: u32, refused_ms: u32) -> Key {
    let mut key = Key::new(&[per_second(limit, STRICT)], OnLimit::Reject);
    key.world.set_refused_ms(refused_ms);
    assert_eq!(key.acquire(1).verdict, Verdict::Allowed);
    key.world.set_refused_ms(0);
    key
}

/// The text that every host which counts must have read.
fn head(key: &Key) -> String {
    shown(&key.world).into_iter().find(|text| text.contains("=w2 ")).expect("it has a head")
}

#[test]
fn whoever_was_refused_opens_a_group_in_which_others_count_without_replacing_anything() {
    for limit in [5, 60, 10_000] {
        let mut key = refused(limit, 10);
        let before = head(&key);
        for _ in 0..3 {
            key.pass_ms(10);
            assert_eq!(key.acquire(1).verdict, Verdict::Allowed);
            assert_eq!(head(&key), before, "{limit}");
        }
        key.pass_ms(11);
        assert_eq!(key.acquire(1).verdict, Verdict::Allowed);
        assert_ne!(head(&key), before, "{limit}: it is open for 40 ms");
    }
}

#[test]
fn a_wide_group_leaves_a_window_after_its_last_permit() {
    let mut key = refused(3, 10);
    key.pass_ms(40);
    assert_eq!(key.acquire(2).verdict, Verdict::Allowed);
    let denied = key.acquire(1);
    assert_eq!((denied.verdict, denied.retry_after_ms), (Verdict::Denied, 1_000));
    key.pass_ms(999);
    assert_eq!(key.acquire(1).verdict, Verdict::Denied);
    key.pass_ms(1);
    assert_eq!(key.acquire(3).verdict, Verdict::Allowed);
}

#[test]
fn the_groups_after_a_wide_one_are_half_as_wide_each_and_a_pause_ends_them() {
    let mut key = refused(60, 16);
    for wide_ms in [64, 32, 16, 8, 4, 2, 1] {
        let before = head(&key);
        key.pass_ms(wide_ms);
        assert_eq!(key.acquire(1).verdict, Verdict::Allowed);
        assert_eq!(head(&key), before, "{wide_ms}");
        key.pass_us(1);
        assert_eq!(key.acquire(1).verdict, Verdict::Allowed);
        assert_ne!(head(&key), before, "{wide_ms}");
    }
    let mut key = refused(60, 16);
    key.pass_ms(129);
    assert_eq!(key.acquire(1).verdict, Verdict::Allowed);
    let before = head(&key);
    key.pass_us(1);
    assert_eq!(key.acquire(1).verdict, Verdict::Allowed);
    assert_ne!(head(&key), before, "each permit is a group again");
}

#[test]
fn a_wide_group_lasts_for_an_eighth_of_the_window_at_most() {
    let mut key = refused(60, u32::MAX);
    let before = head(&key);
    key.pass_ms(125);
    assert_eq!(key.acquire(1).verdict, Verdict::Allowed);
    assert_eq!(head(&key), before);
    key.pass_us(1);
    assert_eq!(key.acquire(1).verdict, Verdict::Allowed);
    assert_ne!(head(&key), before);
    let mut short = Key::new(&[per_ms(60, 7, STRICT)], OnLimit::Reject);
    short.world.set_refused_ms(50);
    assert_eq!(short.acquire(1).verdict, Verdict::Allowed);
    let before = head(&short);
    assert_eq!(short.acquire(1).verdict, Verdict::Allowed);
    assert_ne!(head(&short), before, "less than a millisecond is not worth it");
}

#[test]
fn what_is_given_back_of_a_wide_group_is_taken_out_of_it_open_or_closed() {
    for closed in [false, true] {
        let mut key = refused(10, 10);
        key.pass_ms(20);
        let charged = key.acquire(3);
        key.pass_ms(15);
        key.acquire(1);
        key.pass_ms(if closed { 200 } else { 0 });
        if closed {
            assert_eq!(key.acquire(1).verdict, Verdict::Allowed);
        }
        let counted = key.peek(1).count;
        assert_eq!(key.refund(3, charged.charged_at_us).count, counted - 3, "{closed}");
        // What is not there any more is not taken from others.
        key.pass_ms(100);
        assert_eq!(key.refund(3, charged.charged_at_us - 30_000).count, counted - 3, "{closed}");
    }
}

/// A store that is short of memory drops single cells.
#[test]
fn what_is_left_of_a_group_whose_head_was_evicted_is_not_counted_again() {
    for limit in [5, 10_000] {
        let mut key = refused(limit, 10);
        for _ in 0..3 {
            key.pass_ms(1);
            assert_eq!(key.acquire(1).verdict, Verdict::Allowed);
        }
        key.world.evict("w2 ");
        key.world.set_refused_ms(10);
        assert_eq!(key.acquire(1).count, 1, "{limit}");
        key.world.set_refused_ms(0);
        key.pass_ms(1);
        assert_eq!(key.acquire(1).count, 2, "{limit}");
    }
}
