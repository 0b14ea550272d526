//! Never more than the promise, whatever comes.

use proptest::prelude::*;
use tidegate_policy::rate_limiter::Algorithm;

use crate::history::{History, cases, config, steps};
use crate::oracle::any_span;

proptest! {
    #![proptest_config(cases(400))]

    #[test]
    fn one_limit_keeps_its_promise(config in config(1..=1), start_us in 0..100_000_000_u64, steps in steps(60)) {
        let mut history = History::new(&config, start_us);
        history.run(&steps)?;
        history.check()?;
    }

    #[test]
    fn several_limits_keep_their_promises(config in config(2..=3), start_us in 0..100_000_000_u64, steps in steps(50)) {
        let mut history = History::new(&config, start_us);
        history.run(&steps)?;
        history.check()?;
    }

    /// A place is the start of a sub-window, so whoever goes by `wait_ms` still goes within it.
    #[test]
    fn strict_window_holds_for_those_who_go_by_wait_ms(
        config in config(1..=1),
        start_us in 0..100_000_000_u64,
        steps in steps(60),
    ) {
        let limit = config.limits[0];
        let Algorithm::SlidingWindow { sub_windows } = limit.algorithm else { return Ok(()) };
        if limit.window.count < u64::from(sub_windows) {
            return Ok(());
        }
        let mut history = History::new(&config, start_us).without_lag();
        history.run(&steps)?;
        history.gone.sort_by_key(|gone| gone.at_us);
        prop_assert_eq!(any_span(&history.gone, limit.window.count * 1_000, u64::from(limit.limit)), None);
    }
}
