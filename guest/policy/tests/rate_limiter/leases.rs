//! Leases: what they promise, and how they come, grow, shrink and go.

use proptest::prelude::*;
use tidegate_policy::kv::Scope;
use tidegate_policy::rate_limiter::{Algorithm, Ask, Config, Decision, LeaseConfig, Limit, OnLimit, Verdict};

use crate::fleet::{Fleet, leasing, steps};
use crate::history::cases;
use crate::support::{
    ALGORITHMS, BUCKET, COUNTER, FIXED, GCRA, Key, LOG, STRICT, is_bucket, per_ms, per_second, shown,
};

proptest! {
    #![proptest_config(cases(600))]

    #[test]
    fn calls_let_go_keep_the_promise(config in leasing(1..=1), start_us in 0..100_000_000_u64, steps in steps(60)) {
        let mut fleet = Fleet::new(&config, start_us);
        fleet.run(&steps)?;
        fleet.check()?;
        fleet.check_recovery()?;
    }

    #[test]
    fn calls_let_go_keep_all_promises(config in leasing(2..=3), start_us in 0..100_000_000_u64, steps in steps(50)) {
        let mut fleet = Fleet::new(&config, start_us);
        fleet.run(&steps)?;
        fleet.check()?;
    }

    #[test]
    fn many_are_decided_as_one_by_one(
        config in leasing(1..=2),
        leases in any::<bool>(),
        steps in steps(20),
        asks in proptest::collection::vec((0..3_u32, 0..30_u32), 0..40),
    ) {
        let config = Config { lease: config.lease.filter(|_| leases), ..config };
        let mut fleet = Fleet::new(&config, 0);
        fleet.run(&steps)?;
        let asks: Vec<Ask> = asks.into_iter().map(|(entity, cost)| Ask { entity, cost }).collect();
        let mut one_by_one = fleet.world.clone();
        let singly: Vec<_> =
            asks.iter().map(|ask| fleet.limiter.try_acquire(&mut one_by_one, ask.entity, ask.cost)).collect();
        let together: Vec<_> = fleet.limiter.try_acquire_many(&mut fleet.world, asks).collect();
        prop_assert_eq!(together, singly);
        prop_assert_eq!(shown(&fleet.world), shown(&one_by_one));
    }
}

const LIFE_MS: u64 = 100;

/// A hundred a minute, of which a host leases at most 16 for a tenth of a second.
fn config(algorithm: Algorithm) -> Config {
    of(&[per_ms(100, 60_000, algorithm)])
}

fn of(limits: &[Limit]) -> Config {
    let lease = Some(LeaseConfig { max_permits: 16, life_ms: LIFE_MS });
    Config { limits: limits.to_vec(), on_limit: OnLimit::Reject, lease }
}

fn key(algorithm: Algorithm) -> Key {
    Key::of(&config(algorithm))
}

/// Calls at once until a lease of `extra` permits is taken: the call that took it.
fn take(key: &mut Key, extra: u64) -> Decision {
    for _ in 0..100 {
        let decision = key.acquire(1);
        if decision.release_after_ms > 0 && local(key, 7) == Some(16 - extra) {
            return decision;
        }
    }
    panic!("no lease leaves {extra} permits");
}

/// A local number by its role.
fn local(key: &Key, role: u32) -> Option<u64> {
    let mut cells = key.world.live_cells().filter(|(cell, _)| cell.scope == Scope::Local);
    cells.find(|(cell, _)| cell.field & 0xff == role).map(|(_, text)| text.parse().expect("it is a number"))
}

/// What a host that holds nothing sees of the shared limits.
fn count(key: &Key) -> u32 {
    let mut other = key.clone();
    other.world.set_host(9);
    other.peek(1).count
}

#[test]
fn first_call_leases_nothing_and_each_lease_that_is_spent_doubles_the_next() {
    for algorithm in ALGORITHMS {
        let mut key = key(algorithm);
        let decisions = key.burst(31);
        assert!(decisions.iter().all(|decision| decision.verdict == Verdict::Allowed));
        let taken: Vec<usize> = (1..=31).filter(|call| !decisions[call - 1].leased).collect();
        assert_eq!(taken, [1, 2, 4, 8, 16], "{algorithm:?}: all other calls are let go on a lease");
        let after: Vec<u64> = decisions.iter().map(|decision| decision.release_after_ms).filter(|ms| *ms > 0).collect();
        assert_eq!(after, [LIFE_MS; 4], "{algorithm:?}: only the first call takes no lease");
    }
}

#[test]
fn lease_never_exceeds_its_most_nor_a_quarter_of_the_limit() {
    for algorithm in ALGORITHMS {
        for (limit, most) in [(1_000, 16), (40, 10)] {
            let mut key = Key::of(&of(&[per_ms(limit, 60_000, algorithm)]));
            let mut before = 0;
            let sizes = (0..40).map(|_| {
                key.acquire(1);
                let (now, charged) = (count(&key), before);
                before = now;
                now.saturating_sub(charged)
            });
            let largest = sizes.max().expect("there are calls");
            let most = if is_bucket(algorithm) && limit == 40 { most - 1 } else { most };
            assert_eq!(largest, most, "{algorithm:?} {limit}");
        }
    }
}

#[test]
fn limit_of_few_permits_is_never_leased() {
    for algorithm in ALGORITHMS {
        let mut key = Key::of(&of(&[per_ms(7, 60_000, algorithm)]));
        assert!(key.burst(7).iter().all(|decision| !decision.leased && decision.release_after_ms == 0));
        assert!(!key.world.live_cells().any(|(cell, _)| cell.scope == Scope::Local));
    }
}

#[test]
fn leased_decision_tells_what_is_left_of_the_lease() {
    for algorithm in ALGORITHMS {
        let mut key = key(algorithm);
        let taken = take(&mut key, 7);
        key.pass_ms(10);
        let leased = key.acquire(2);
        let limit = if is_bucket(algorithm) { 99 } else { 100 };
        assert!(leased.leased);
        assert_eq!((leased.limit, leased.remaining, leased.count), (limit, 5, limit - 5), "{algorithm:?}");
        assert_eq!((leased.reset_after_ms, leased.release_after_ms), (LIFE_MS - 10, 0));
        assert_eq!((leased.at_us, leased.charged_at_us), (key.now_us(), taken.charged_at_us));
        let peeked = key.peek(5);
        assert_eq!((peeked.verdict, peeked.leased, peeked.charged_at_us), (Verdict::Allowed, true, 0));
        assert!(!key.peek(6).leased, "so many are not left");
    }
}

#[test]
fn lease_ends_with_its_life() {
    for algorithm in [STRICT, GCRA, BUCKET, LOG] {
        let mut key = key(algorithm);
        let taken = take(&mut key, 7);
        let end_us = taken.charged_at_us + LIFE_MS * 1_000;
        assert!(key.at_us(end_us - 1).acquire(1).leased, "{algorithm:?}");
        assert!(!key.at_us(end_us).acquire(1).leased, "{algorithm:?}");
    }
}

#[test]
fn lease_ends_with_an_aligned_window() {
    for algorithm in [FIXED, COUNTER] {
        let mut key = key(algorithm);
        let end_us = (key.now_us() / 60_000_000 + 1) * 60_000_000;
        key.world.set_us(end_us - 30_000);
        assert_eq!(take(&mut key, 7).release_after_ms, 30, "{algorithm:?}");
        assert!(key.at_us(end_us - 1).acquire(1).leased, "{algorithm:?}");
        assert!(!key.at_us(end_us).acquire(1).leased, "{algorithm:?}");
    }
}

#[test]
fn what_is_left_of_a_lease_that_is_over_goes_back_with_the_next_charge() {
    for algorithm in [STRICT, FIXED, COUNTER, LOG] {
        let mut key = key(algorithm);
        take(&mut key, 15);
        key.acquire(1);
        assert_eq!(count(&key), 31, "{algorithm:?}");
        key.pass_ms(LIFE_MS);
        let next = key.acquire(1);
        assert!(!next.leased && next.release_after_ms > 0);
        assert_eq!(count(&key), 31 - 14 + 2, "two of sixteen were used, so two are charged: {algorithm:?}");
    }
}

#[test]
fn key_that_is_asked_rarely_is_leased_no_more_than_it_uses() {
    for algorithm in ALGORITHMS {
        let mut key = key(algorithm);
        for _ in 0..30 {
            let decision = key.acquire(1);
            assert!(!decision.leased && decision.release_after_ms == 0, "{algorithm:?}");
            key.pass_ms(LIFE_MS + 1);
        }
    }
}

/// What was used of a lease that was given back is what the next one is taken for.
#[test]
fn lease_after_one_that_was_given_back_is_of_what_was_used() {
    for algorithm in [STRICT, FIXED, COUNTER, LOG] {
        for used in [1, 5] {
            let mut key = key(algorithm);
            take(&mut key, 15);
            key.burst(used - 1);
            key.pass_ms(LIFE_MS);
            assert_eq!(key.limiter.release(&mut key.world, 0, false), 16 - u32::try_from(used).expect("few"));
            let before = count(&key);
            let next = key.acquire(1);
            assert_eq!(next.release_after_ms > 0, used > 1, "{algorithm:?} {used}");
            assert_eq!(count(&key) as usize, before as usize + used, "{algorithm:?}");
        }
    }
}

#[test]
fn chunk_that_does_not_fit_leaves_the_call_charged_alone() {
    for algorithm in ALGORITHMS {
        let mut key = key(algorithm);
        key.world.set_host(1);
        key.acquire(50);
        key.acquire(if is_bucket(algorithm) { 45 } else { 46 });
        key.world.set_host(0);
        let four = key.burst(5);
        let verdicts: Vec<bool> = four.iter().map(|decision| decision.verdict == Verdict::Allowed).collect();
        assert_eq!(verdicts, [true, true, true, true, false], "{algorithm:?}");
        assert_eq!(four.iter().filter(|decision| decision.leased).count(), 1, "{algorithm:?}");
    }
}

#[test]
fn cost_above_what_is_left_is_charged_whole() {
    for algorithm in ALGORITHMS {
        let mut key = key(algorithm);
        take(&mut key, 3);
        let before = count(&key);
        let large = key.acquire(20);
        assert!(!large.leased && large.verdict == Verdict::Allowed);
        assert_eq!(count(&key), before + 20, "{algorithm:?}");
        assert!(key.acquire(3).leased, "the lease was kept: {algorithm:?}");
    }
}

#[test]
fn release_gives_back_what_is_left_once_the_lease_is_over_or_now() {
    for algorithm in [STRICT, FIXED, COUNTER, LOG] {
        for now in [false, true] {
            let mut key = key(algorithm);
            take(&mut key, 15);
            key.acquire(5);
            assert_eq!(key.limiter.release(&mut key.world, 0, false), 0, "it runs: {algorithm:?}");
            assert!(key.acquire(1).leased);
            if !now {
                key.pass_ms(LIFE_MS);
            }
            assert_eq!(key.limiter.release(&mut key.world, 0, now), 9, "{algorithm:?}");
            assert_eq!(count(&key), 31 - 9, "{algorithm:?}");
            assert_eq!(key.limiter.release(&mut key.world, 0, true), 0, "nothing is left: {algorithm:?}");
            assert!(!key.acquire(1).leased);
        }
    }
}

/// A host may commit up to a second behind another, in which time a bucket may have refilled.
#[test]
fn release_of_a_bucket_gives_back_what_cannot_have_come_back() {
    for algorithm in [GCRA, BUCKET] {
        let mut key = key(algorithm);
        take(&mut key, 15);
        assert_eq!(count(&key), 31);
        assert_eq!(key.limiter.release(&mut key.world, 0, true), 15);
        assert_eq!(count(&key), 31 - 13, "one and two thirds may come back by themselves: {algorithm:?}");
    }
}

/// One host gives back at a time at which the bucket was still full of what it held; another has
/// filled it a second later.
#[test]
fn release_by_a_host_that_lags_gives_no_permit_twice() {
    for algorithm in [GCRA, BUCKET] {
        let lease = Some(LeaseConfig { max_permits: 16, life_ms: 1 });
        let limits = vec![per_second(100, algorithm)];
        let mut key = Key::of(&Config { limits, on_limit: OnLimit::Reject, lease });
        take(&mut key, 15);
        let lagging_us = key.now_us();
        key.pass_ms(1_000);
        key.world.set_host(1);
        assert_eq!(key.acquire(99).verdict, Verdict::Allowed, "{algorithm:?}");
        key.world.set_us(lagging_us);
        key.world.set_host(0);
        key.limiter.release(&mut key.world, 0, true);
        key.pass_ms(1_000);
        key.world.set_host(1);
        assert_eq!(key.acquire(1).verdict, Verdict::Denied, "{algorithm:?}");
    }
}

#[test]
fn limiter_without_a_lease_has_none_to_release() {
    let mut key = Key::new(&[per_second(10, GCRA)], OnLimit::Reject);
    key.acquire(5);
    let writes = key.world.writes();
    assert_eq!(key.limiter.release(&mut key.world, 0, true), 0);
    assert_eq!(key.world.writes(), writes);
}

#[test]
fn refund_goes_into_the_lease_while_it_runs_and_to_the_limit_after() {
    for algorithm in [STRICT, FIXED, COUNTER, LOG] {
        let mut key = key(algorithm);
        let taken = take(&mut key, 7);
        let before = count(&key);
        let leased = key.acquire(7);
        assert!(leased.leased && !key.peek(1).leased);
        let after = key.refund(7, leased.charged_at_us);
        assert_eq!((after.leased, after.remaining, count(&key)), (true, 7, before), "{algorithm:?}");
        key.refund(1, taken.charged_at_us);
        assert_eq!(key.refund(5, taken.charged_at_us).remaining, 8, "no more than was charged: {algorithm:?}");
        key.pass_ms(LIFE_MS);
        assert!(!key.refund(1, taken.charged_at_us).leased);
        assert_eq!(count(&key), before - 1, "{algorithm:?}");
    }
}

#[test]
fn reset_forgets_the_lease_of_this_host_and_leaves_that_of_another() {
    for algorithm in ALGORITHMS {
        let mut key = key(algorithm);
        take(&mut key, 7);
        key.world.set_host(1);
        take(&mut key, 7);
        key.reset();
        let first = key.acquire(1);
        assert_eq!((first.leased, first.count), (false, 1), "{algorithm:?}");
        key.world.set_host(0);
        assert!(key.acquire(1).leased, "{algorithm:?}");
    }
}

#[test]
fn host_that_dies_strands_one_lease_until_the_limit_lets_go_of_it() {
    for algorithm in [STRICT, FIXED, COUNTER, LOG] {
        let mut key = key(algorithm);
        take(&mut key, 15);
        key.world.crash();
        assert_eq!(count(&key), 31, "sixteen calls and what was left: {algorithm:?}");
        assert_eq!(key.acquire(69).verdict, Verdict::Allowed, "{algorithm:?}");
        assert_eq!(key.acquire(1).verdict, Verdict::Denied, "{algorithm:?}");
        key.pass_ms(126_100);
        assert_eq!(key.acquire(100).verdict, Verdict::Allowed, "{algorithm:?}");
    }
}

/// Most calls of a hot key are let go on a lease; the test would hold vacuously if leases were
/// never taken.
#[test]
fn nearly_all_calls_of_a_hot_key_are_leased() {
    for algorithm in ALGORITHMS {
        let mut key = Key::of(&of(&[per_second(10_000, algorithm)]));
        let leased = key.burst(5_000).iter().filter(|decision| decision.leased).count();
        assert!(leased > 4_600, "{leased}: {algorithm:?}");
    }
}
