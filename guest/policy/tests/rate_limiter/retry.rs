//! What a decision says of the future comes true, to the millisecond.

use proptest::prelude::*;
use tidegate_policy::rate_limiter::{Decision, OnLimit, Verdict};

use crate::history::{History, cases, config, steps};
use crate::support::{Key, capacity};

/// At `retry_after_ms` the call is accepted, a millisecond earlier it is not.
fn retry_is_exact(key: &Key, denied: Decision, ask: impl Fn(&mut Key) -> Decision) -> Result<(), TestCaseError> {
    prop_assert!(denied.retry_after_ms > 0, "{:?}", denied);
    let at_us = key.now_us() + denied.retry_after_ms * 1_000;
    let then = ask(&mut key.at_us(at_us));
    prop_assert_ne!(then.verdict, Verdict::Denied, "at the time told: {:?} after {:?}", then, denied);
    let before = ask(&mut key.at_us(at_us - 1_000));
    prop_assert_eq!(before.verdict, Verdict::Denied, "1 ms before: {:?} after {:?}", before, denied);
    Ok(())
}

proptest! {
    #![proptest_config(cases(400))]

    #[test]
    fn retry_after_is_exact(config in config(1..=3), start_us in 0..100_000_000_u64, steps in steps(40), size in 0..=100_u32) {
        let mut history = History::new(&config, start_us);
        history.run(&steps)?;
        let cost = history.cost(size);
        let key = &history.key;
        let (acquired, tried, peeked) =
            (key.clone().acquire(cost), key.clone().try_acquire(cost), key.clone().peek(cost));
        if acquired.verdict == Verdict::Denied {
            retry_is_exact(key, acquired, |key| key.acquire(cost))?;
        }
        if tried.verdict == Verdict::Denied {
            retry_is_exact(key, tried, |key| key.try_acquire(cost))?;
        }
        prop_assert_eq!(peeked.verdict, tried.verdict);
        prop_assert_eq!(peeked.retry_after_ms, tried.retry_after_ms);
        if tried.verdict == Verdict::Denied {
            prop_assert_eq!(peeked, tried);
        }
    }

    /// The reserved place is the first microsecond at which the call would have been let go had it
    /// waited for it.
    #[test]
    fn place_is_the_earliest(
        config in config(1..=3),
        start_us in 0..100_000_000_u64,
        steps in steps(40),
        size in 0..=100_u32,
        between in 0..1_000_u64,
    ) {
        let OnLimit::Delay { max_wait_ms } = config.on_limit else { return Ok(()) };
        let mut history = History::new(&config, start_us).without_lag();
        history.run(&steps)?;
        let cost = history.cost(size);
        let key = &history.key;
        let told = key.clone().acquire(cost);
        if told.verdict != Verdict::Wait {
            return Ok(());
        }
        prop_assert!(told.wait_ms <= max_wait_ms);
        let place_us = told.charged_at_us;
        prop_assert_eq!(key.at_us(place_us).try_acquire(cost).verdict, Verdict::Allowed, "{:?}", told);
        let wait_us = place_us - key.now_us();
        for earlier_us in [place_us - 1, key.now_us(), key.now_us() + wait_us * between / 1_000] {
            let early = key.at_us(earlier_us).try_acquire(cost);
            prop_assert_eq!(early.verdict, Verdict::Denied, "{:?} at {} before {:?}", early, earlier_us, told);
        }
    }

    /// `remaining` permits would be allowed at once, and not one more.
    #[test]
    fn remaining_is_exact(config in config(1..=3), start_us in 0..100_000_000_u64, steps in steps(40)) {
        let mut history = History::new(&config, start_us);
        history.run(&steps)?;
        let key = &history.key;
        let most = config.limits.iter().map(capacity).min().unwrap_or(0);
        let remaining = key.clone().peek(1).remaining;
        prop_assert!(remaining <= most);
        if remaining > 0 {
            prop_assert_eq!(key.clone().try_acquire(remaining).verdict, Verdict::Allowed);
        }
        if remaining < most {
            let more = key.clone().try_acquire(remaining + 1);
            prop_assert_eq!(more.verdict, Verdict::Denied, "{} were said to remain: {:?}", remaining, more);
            prop_assert_eq!(more.remaining, remaining);
        }
    }

    #[test]
    fn after_reset_after_nothing_counts(config in config(1..=1), start_us in 0..100_000_000_u64, steps in steps(40)) {
        let mut history = History::new(&config, start_us).without_lag();
        history.run(&steps)?;
        let key = &history.key;
        let most = capacity(&config.limits[0]);
        let now = key.clone().peek(1);
        let reset_us = key.now_us() + now.reset_after_ms * 1_000;
        let then = key.at_us(reset_us).peek(most);
        prop_assert_eq!((then.verdict, then.count, then.remaining, then.limit), (Verdict::Allowed, 0, most, most));
        prop_assert_eq!(now.reset_after_ms == 0, now.count == 0, "{:?}", now);
        if now.reset_after_ms > 0 {
            let before = key.at_us(reset_us - 1_000).peek(1);
            prop_assert!(before.count > 0, "{:?} said {:?}", now, before);
        }
    }
}
