//! The queue, by example: order, places, time-outs and those who do not come back.

use tidegate_policy::rate_limiter::{Decision, OnLimit, Reason, Verdict};

use crate::support::{ALGORITHMS, FIXED, GCRA, Key, LOG, per_ms, per_second, shown};

const TIMEOUT_MS: u64 = 10_000;
const GRACE_MS: u64 = 50;

fn queue(max_size: u32) -> OnLimit {
    OnLimit::Queue { max_size, timeout_ms: TIMEOUT_MS, grace_ms: GRACE_MS }
}

/// One permit every 100 ms, and none left.
fn spent() -> Key {
    let mut key = Key::new(&[per_ms(1, 100, GCRA)], queue(100));
    assert_eq!(key.acquire(1).verdict, Verdict::Allowed);
    key
}

fn waiting(key: &mut Key, priority: i32) -> Decision {
    let decision = key.ask(1, priority, 0);
    assert_eq!(decision.verdict, Verdict::Wait, "{decision:?}");
    decision
}

/// The waiter comes back at the time it was told.
fn comes_back(key: &mut Key, told: &Decision, priority: i32) -> Decision {
    key.world.set_us(told.at_us + told.wait_ms * 1_000);
    key.ask(1, priority, told.ticket)
}

#[test]
fn goes_in_order_of_arrival() {
    let mut key = spent();
    let told: Vec<Decision> = (0..5).map(|_| waiting(&mut key, 0)).collect();
    for (index, waiter) in (1..).zip(&told) {
        assert_eq!((waiter.position, waiter.waiting), (index, index));
        assert_eq!(waiter.wait_ms, 100 * u64::from(index));
        assert!(told.iter().filter(|other| other.ticket == waiter.ticket).count() == 1, "a ticket is one waiter's");
    }
    for waiter in &told {
        assert_eq!(comes_back(&mut key, waiter, 0).verdict, Verdict::Allowed);
    }
}

#[test]
fn higher_priority_moves_ahead_of_those_not_granted() {
    let mut key = spent();
    let (low, middle, high) = (waiting(&mut key, -5), waiting(&mut key, 0), waiting(&mut key, 7));
    assert_eq!((low.position, middle.position, high.position), (1, 1, 1));
    assert_eq!((low.wait_ms, middle.wait_ms, high.wait_ms), (100, 100, 100));
    let also_high = waiting(&mut key, 7);
    assert_eq!((also_high.position, also_high.wait_ms, also_high.waiting), (2, 200, 4));
    key.pass_ms(100);
    let (low_again, middle_again) = (key.ask(1, -5, low.ticket), key.ask(1, 0, middle.ticket));
    assert_eq!((low_again.position, low_again.wait_ms), (4, 300));
    assert_eq!((middle_again.position, middle_again.wait_ms), (3, 200));
    assert_eq!(key.ask(1, 7, high.ticket).verdict, Verdict::Allowed);
    for (told, priority) in [(also_high, 7), (middle_again, 0), (low_again, -5)] {
        assert_eq!(comes_back(&mut key, &told, priority).verdict, Verdict::Allowed, "{priority}");
    }
}

/// Everybody is told whole milliseconds, which must not add up along the line.
#[test]
fn those_who_fit_at_once_are_not_told_to_come_one_after_the_other() {
    for algorithm in [FIXED, LOG] {
        let mut key = Key::new(&[per_second(10, algorithm)], queue(100));
        key.acquire(10);
        let goes_us = key.now_us() + 1_000 * key.acquire(10).wait_ms;
        let free_us = goes_us + 1_000_000;
        for _ in 0..10 {
            key.world.set_us(key.now_us() + 700);
            let told = waiting(&mut key, 0);
            let comes_us = told.at_us + told.wait_ms * 1_000;
            assert!((free_us..free_us + 1_000).contains(&comes_us), "{algorithm:?}: {told:?}");
        }
    }
}

#[test]
fn newcomer_and_try_acquire_never_go_before_those_who_wait() {
    for algorithm in ALGORITHMS {
        let mut key = Key::new(&[per_second(10, algorithm)], queue(100));
        key.acquire(10);
        let told = key.acquire(10);
        assert_eq!(told.verdict, Verdict::Wait);
        key.world.set_us(told.at_us + told.wait_ms * 1_000);
        assert_eq!(key.try_acquire(1).verdict, Verdict::Denied, "{algorithm:?}");
        assert_eq!(key.peek(1).verdict, Verdict::Denied, "{algorithm:?}");
        assert_eq!(key.acquire(1).position, 2, "{algorithm:?}");
        assert_eq!(key.ask(10, 0, told.ticket).verdict, Verdict::Allowed, "{algorithm:?}");
    }
}

#[test]
fn try_acquire_goes_where_there_is_room_behind_those_who_wait() {
    let mut key = Key::new(&[per_second(10, FIXED)], queue(100));
    key.acquire(10);
    let told = key.acquire(4);
    key.pass_ms(1_000);
    assert_eq!(key.clone().try_acquire(7).verdict, Verdict::Denied);
    assert_eq!(key.try_acquire(6).verdict, Verdict::Allowed);
    assert_eq!(key.ask(4, 0, told.ticket).verdict, Verdict::Allowed);
}

#[test]
fn cancelled_waiter_leaves_its_place_to_the_next() {
    let mut key = spent();
    let (first, second) = (waiting(&mut key, 0), waiting(&mut key, 0));
    assert!(key.cancel(first.ticket));
    assert!(!key.cancel(first.ticket), "it was not in the queue");
    assert!(!key.cancel(0) && !key.cancel(u64::MAX));
    key.pass_ms(100);
    assert_eq!(key.ask(1, 0, second.ticket).verdict, Verdict::Allowed);
    assert!(!key.cancel(second.ticket), "it was let go");
    let mut other = Key::new(&[per_second(1, GCRA)], OnLimit::Reject);
    assert!(!other.cancel(1));
}

#[test]
fn reset_keeps_the_places() {
    let mut key = spent();
    let (first, second) = (waiting(&mut key, 0), waiting(&mut key, 0));
    key.reset();
    assert_eq!(key.acquire(1).position, 3, "the free permit is the first waiter's");
    assert_eq!(key.ask(1, 0, first.ticket).verdict, Verdict::Allowed);
    assert_eq!(key.ask(1, 0, second.ticket).position, 1);
}

mod full {
    use super::*;

    #[test]
    fn denies_whoever_comes_and_changes_nothing() {
        let mut key = Key::new(&[per_ms(1, 100, GCRA)], queue(2));
        key.acquire(1);
        let (first, second) = (waiting(&mut key, 0), waiting(&mut key, 0));
        let before = shown(&key.world);
        for priority in [0, 100] {
            let denied = key.ask(1, priority, 0);
            assert_eq!((denied.verdict, denied.reason), (Verdict::Denied, Reason::QueueFull));
            assert_eq!((denied.position, denied.waiting, denied.ticket), (0, 2, 0));
            assert_eq!(denied.retry_after_ms, 100, "then the first of them will go");
        }
        assert_eq!(shown(&key.world), before);
        assert_eq!(key.ask(1, 0, second.ticket).position, 2, "who is in it is not denied for want of room");
        assert_eq!(comes_back(&mut key, &first, 0).verdict, Verdict::Allowed);
        assert_eq!(waiting(&mut key, 0).position, 2);
    }

    #[test]
    fn of_the_dead_takes_newcomers_when_the_first_times_out() {
        let limits = [per_ms(1, 60_000, LOG)];
        let mut key = Key::new(&limits, OnLimit::Queue { max_size: 2, timeout_ms: 1_000, grace_ms: 10 });
        key.acquire(1);
        waiting(&mut key, 0);
        key.pass_ms(300);
        waiting(&mut key, 0);
        let denied = key.ask(1, 0, 0);
        assert_eq!((denied.reason, denied.retry_after_ms), (Reason::QueueFull, 700));
        key.pass_ms(699);
        assert_eq!(key.ask(1, 0, 0).reason, Reason::QueueFull);
        key.pass_ms(1);
        assert_eq!(waiting(&mut key, 0).position, 2);
    }

    /// Who should come any moment may leave any moment: not at once, or the caller would spin; and
    /// later the later it is.
    #[test]
    fn never_says_to_retry_at_once() {
        let mut key = Key::new(&[per_ms(1, 100, GCRA)], queue(1));
        key.acquire(1);
        let told = waiting(&mut key, 0);
        for (late_ms, retry_ms) in [(0, 1), (1, 1), (20, 20), (40, 11)] {
            let denied = key.at_us(told.at_us + (told.wait_ms + late_ms) * 1_000).ask(1, 0, 0);
            assert_eq!((denied.reason, denied.retry_after_ms), (Reason::QueueFull, retry_ms), "{late_ms}");
        }
    }
}

mod one_who_does_not_come {
    use super::*;

    #[test]
    fn holds_nobody_up_past_the_grace() {
        let mut key = spent();
        let (dead, next) = (waiting(&mut key, 0), waiting(&mut key, 0));
        key.pass_ms(dead.wait_ms + GRACE_MS);
        assert_eq!(key.try_acquire(1).verdict, Verdict::Denied, "up to the grace it is waited for");
        key.pass_us(1);
        assert_eq!(key.clone().try_acquire(1).verdict, Verdict::Denied, "the next is not late");
        assert_eq!(key.ask(1, 0, next.ticket).verdict, Verdict::Allowed);
    }

    /// Whoever finds it late is told to come when its grace is over, not when it could have gone as
    /// well.
    #[test]
    fn is_waited_for_no_longer_than_its_grace() {
        let mut key =
            Key::new(&[per_ms(1, 60_000, FIXED)], OnLimit::Queue { max_size: 9, timeout_ms: 300_000, grace_ms: 50 });
        key.world.set_us(key.now_us().next_multiple_of(60_000_000));
        key.acquire(1);
        let dead = waiting(&mut key, 0);
        key.pass_ms(dead.wait_ms + 20);
        let told = waiting(&mut key, 0);
        assert_eq!((told.position, told.wait_ms), (2, 31));
        assert_eq!(comes_back(&mut key, &told, 0).verdict, Verdict::Allowed);
    }

    #[test]
    fn has_its_place_again_when_it_comes_late() {
        let mut key = spent();
        let (late, next) = (waiting(&mut key, 0), waiting(&mut key, 0));
        key.pass_ms(150);
        key.pass_us(1);
        let (clone, told) = (&mut key.clone(), &next);
        assert_eq!(clone.ask(1, 0, late.ticket).verdict, Verdict::Allowed);
        assert_eq!(comes_back(clone, told, 0).verdict, Verdict::Wait, "the late one took its time's permit");
        assert_eq!(key.ask(1, 0, next.ticket).verdict, Verdict::Allowed);
        let again = key.ask(1, 0, late.ticket);
        assert_eq!((again.verdict, again.position), (Verdict::Wait, 1));
    }

    #[test]
    fn frees_its_place_when_its_time_is_over() {
        let mut key = Key::new(&[per_ms(1, 60_000, LOG)], queue(10));
        key.acquire(1);
        waiting(&mut key, 0);
        key.pass_ms(TIMEOUT_MS - 1);
        assert_eq!(waiting(&mut key, 0).position, 2);
        assert_eq!(key.peek(1).waiting, 2);
        key.pass_ms(1);
        assert_eq!(key.peek(1).waiting, 1);
        assert_eq!(key.try_acquire(1).waiting, 1);
        assert_eq!(waiting(&mut key, 0).position, 2);
    }
}

mod timed_out {
    use super::*;

    #[test]
    fn waiter_is_told_to_come_at_its_deadline_and_denied() {
        let mut key = Key::new(&[per_ms(1, 60_000, LOG)], queue(10));
        key.acquire(1);
        let told = waiting(&mut key, 0);
        assert_eq!(told.wait_ms, TIMEOUT_MS);
        let denied = comes_back(&mut key, &told, 0);
        assert_eq!((denied.verdict, denied.reason), (Verdict::Denied, Reason::QueueTimeout));
        assert_eq!((denied.waiting, denied.position, denied.ticket), (0, 0, 0));
        assert_eq!(denied.retry_after_ms, 50_000);
        assert!(!shown(&key.world).iter().any(|cell| cell.contains("=q1 ")), "it has left the queue");
        let again = key.ask(1, 0, told.ticket);
        assert_eq!((again.verdict, again.reason), (Verdict::Denied, Reason::QueueTimeout), "it is not taken up again");
    }

    /// Its time was long over: it has no rank left, and goes only where anybody could.
    #[test]
    fn ticket_does_not_go_before_those_who_wait() {
        let mut key = spent();
        let old = waiting(&mut key, 0);
        key.pass_ms(TIMEOUT_MS + GRACE_MS + 1);
        key.acquire(1);
        let told = waiting(&mut key, -1);
        key.pass_ms(told.wait_ms);
        let denied = key.ask(1, 0, old.ticket);
        assert_eq!((denied.verdict, denied.reason), (Verdict::Denied, Reason::QueueTimeout));
        assert_eq!(denied.retry_after_ms, 100);
        assert_eq!(key.ask(1, -1, told.ticket).verdict, Verdict::Allowed);
        key.pass_ms(100);
        assert_eq!(key.ask(1, 0, old.ticket).verdict, Verdict::Allowed);
    }

    /// It was told to come then, and its place was free.
    #[test]
    fn waiter_whose_place_is_free_at_its_deadline_goes() {
        let mut key = Key::new(&[per_ms(1, TIMEOUT_MS, GCRA)], queue(10));
        key.acquire(1);
        let told = waiting(&mut key, 0);
        assert_eq!(told.wait_ms, TIMEOUT_MS);
        waiting(&mut key, 0);
        assert_eq!(comes_back(&mut key, &told, 0).verdict, Verdict::Allowed);
    }
}

mod ticket {
    use super::*;

    #[test]
    fn that_the_store_has_lost_is_taken_up_again_in_order() {
        let mut key = spent();
        let told: Vec<Decision> = (0..3)
            .map(|_| {
                key.pass_us(10);
                waiting(&mut key, 0)
            })
            .collect();
        key.pass_us(10);
        key.world.corrupt("lost");
        key.acquire(1);
        let newcomer = waiting(&mut key, 0);
        assert_eq!(newcomer.position, 1);
        // They come back in another order, and are where they were.
        for (which, position) in [(2, 1), (0, 1), (1, 2)] {
            let again = key.ask(1, 0, told[which].ticket);
            assert_eq!((again.verdict, again.position, again.ticket), (Verdict::Wait, position, told[which].ticket));
        }
        assert_eq!(key.ask(1, 0, newcomer.ticket).position, 4);
    }

    #[test]
    fn is_good_on_a_host_that_lags() {
        let mut key = spent();
        key.pass_ms(2);
        let told = waiting(&mut key, 0);
        let mut lagging = key.at_us(key.now_us() - 1_000);
        let again = lagging.ask(1, 0, told.ticket);
        assert_eq!((again.verdict, again.ticket, again.position), (Verdict::Wait, told.ticket, 1));
    }

    /// A ticket from a time to come is nobody's: it must neither wait for ever nor make the queue
    /// unreadable.
    #[test]
    fn that_cannot_be_ours_is_a_newcomers() {
        for forged in [u64::MAX, u64::MAX - 1, 1 << 53, 2 * crate::support::T0_US] {
            let mut key = spent();
            let told = waiting(&mut key, 0);
            let newcomer = key.ask(1, 0, forged);
            assert_eq!((newcomer.verdict, newcomer.position), (Verdict::Wait, 2), "{forged}");
            assert!(newcomer.ticket <= key.now_us() + 10, "{forged}");
            assert_eq!(key.ask(1, 0, forged).position, 3);
            assert_eq!(comes_back(&mut key, &told, 0).verdict, Verdict::Allowed, "{forged}");
            assert_eq!(key.peek(1).discarded, 0, "{forged}");
            assert_eq!(comes_back(&mut key, &newcomer, 0).verdict, Verdict::Allowed, "{forged}");
        }
    }
}
