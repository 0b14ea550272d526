//! A store with the values of a strict limit from before there were groups goes on without giving a
//! permit too many.
//!
//! Then a permit was counted in a sub-window of the clock, and left with it. How, is told here
//! anew.

use std::collections::BTreeMap;
use std::fmt::Write;

use proptest::prelude::*;
use tidegate_policy::kv::{Cell, Kv};
use tidegate_policy::rate_limiter::{Algorithm, OnLimit, Verdict};

use crate::history::cases;
use crate::oracle::{Given, any_span};
use crate::support::{Key, T0_US, per_ms};

/// A window that is cut into sub-windows, each with what was given in it.
struct Old {
    limit: u64,
    sub_us: u64,
    span: u64,
    counts: BTreeMap<u64, u64>,
}

impl Old {
    fn charge(&mut self, at_us: u64, permits: u64) -> bool {
        let open = at_us / self.sub_us;
        self.counts.retain(|index, _| index + self.span >= open);
        let fits = self.counts.values().sum::<u64>() + permits <= self.limit;
        if fits {
            *self.counts.entry(open).or_default() += permits;
        }
        fits
    }

    /// The head and the count as they were stored.
    fn store(&self, key: &mut Key) {
        let Some((open, count)) = self.counts.last_key_value() else { return };
        let mut head = format!("w1 {open}");
        for (index, permits) in self.counts.range(..open) {
            write!(head, " -{}:{permits}", open - index).expect("a String takes all text");
        }
        let mut empty = key.clone();
        empty.acquire(1);
        let (cell, _) = empty.world.live_cells().next().expect("a charge stores a head");
        let of_role = |role: u32| Cell::shared(0, cell.field & !0xff | role);
        key.world.put(of_role(1), Some(&head), 3_600_000);
        key.world.put(of_role(2), Some(&count.to_string()), 3_600_000);
    }
}

proptest! {
    #![proptest_config(cases(400))]

    #[test]
    fn goes_on_from_what_was_counted_by_sub_windows(
        limit in prop_oneof![1..=20_u32, 256..=2_000_u32],
        window_ms in prop_oneof![Just(10_u64), Just(1_000), 1..=5_000_u64],
        // What was set then, and what is set now: the default was 10 and is 64.
        (old, new) in prop_oneof![Just((10_u32, 64_u32)), Just((10, 10)), Just((1, 1)), Just((7, 7)), Just((100, 100))],
        before in proptest::collection::vec((0..2_000_u64, 0..=100_u32), 1..40),
        after in proptest::collection::vec((0..2_000_u64, 0..=100_u32), 1..40),
    ) {
        let window_us = window_ms * 1_000;
        let mut key = Key::new(&[per_ms(limit, window_ms, Algorithm::SlidingWindow { sub_windows: new })], OnLimit::Reject);
        let sub_us = window_us.div_ceil(old.into());
        let mut policy = Old { limit: limit.into(), sub_us, span: old.into(), counts: BTreeMap::new() };
        let (mut given, mut now_us) = (Vec::new(), T0_US);
        let cost = |percent: u32| (limit * percent / 100).max(1);
        for (thousandths, percent) in before {
            now_us += thousandths * window_us / 10_000;
            if policy.charge(now_us, cost(percent).into()) {
                given.push(Given { at_us: now_us, permits: cost(percent) });
            }
        }
        policy.store(&mut key);
        for (thousandths, percent) in after {
            now_us += thousandths * window_us / 10_000;
            key.world.set_us(now_us);
            let (peeked, decision) = (key.peek(cost(percent)), key.try_acquire(cost(percent)));
            prop_assert_eq!((peeked.verdict, peeked.discarded, decision.discarded), (decision.verdict, 0, 0));
            if decision.verdict == Verdict::Allowed {
                given.push(Given { at_us: now_us, permits: cost(percent) });
            }
        }
        prop_assert_eq!(any_span(&given, window_us, limit.into()), None);
        // And nothing of it stays longer than it did.
        key.world.set_us(now_us + window_us + sub_us);
        prop_assert_eq!(key.try_acquire(limit).verdict, Verdict::Allowed);
    }
}
