//! The state of a key is bounded, and nothing that is stored outlives its use.

use proptest::prelude::*;
use tidegate_policy::rate_limiter::{Algorithm, OnLimit, Verdict};

use crate::history::{History, cases, config, steps};
use crate::support::{
    ALGORITHMS, BUCKET, COUNTER, FIXED, GCRA, Key, LOG, QUEUE, STRICT, is_bucket, per_ms, per_second, shown,
};

/// The longest text of any cell over a long run of calls of uneven cost at uneven times, with a
/// refund now and then.
fn longest_text(algorithm: Algorithm, limit: u32, on_limit: OnLimit) -> usize {
    let mut key = Key::new(&[per_second(limit, algorithm)], on_limit);
    let (mut longest, mut seed) = (0, 7_u64);
    for round in 0..3_000_u64 {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let random = seed >> 33;
        key.pass_us(random % (2_000_000 / u64::from(limit.min(100))));
        let cost = 1 + u32::try_from(random % u64::from(limit / 3 + 1)).expect("a share of the limit");
        let decision = key.acquire(cost);
        if round % 7 == 0 && decision.charged_at_us > 0 {
            key.refund(cost, decision.charged_at_us);
        }
        longest = key.world.live_cells().map(|(_, text)| text.len()).max().unwrap_or(0).max(longest);
    }
    longest
}

#[test]
fn is_a_number_or_a_short_list_whatever_the_limit() {
    for limit in [3, 100, 1_000_000] {
        for algorithm in [GCRA, BUCKET] {
            // A number; of one that permits are given back to the times and numbers of 16 marks,
            // too.
            let marks = "r1".len() + 16 * " 1795000000000000 9007199254740992".len();
            assert!(longest_text(algorithm, limit, OnLimit::Reject) <= marks, "{algorithm:?}");
            assert!(longest_text(algorithm, limit, OnLimit::Delay { max_wait_ms: 60_000 }) <= marks, "{algorithm:?}");
        }
        // A version, the open sub-window, and a distance and a count for each of the others.
        let head = |others: usize| "w1 179500000099".len() + others * " -100:1000000".len();
        assert!(longest_text(FIXED, limit, OnLimit::Reject) <= head(0));
        assert!(longest_text(COUNTER, limit, OnLimit::Reject) <= head(1));
        for sub_windows in [1, 10, 64, 100] {
            let algorithm = Algorithm::SlidingWindow { sub_windows };
            // Groups that have ended by their permits, by their span, or not at all.
            let groups = |windows: usize| windows * (256.min(limit as usize) + sub_windows as usize) + 2;
            assert!(longest_text(algorithm, limit, OnLimit::Reject) <= groups_text(groups(1)), "{algorithm:?}");
            let delayed = longest_text(algorithm, limit, OnLimit::Delay { max_wait_ms: 2_000 });
            assert!(delayed <= groups_text(groups(3)), "{algorithm:?}: {delayed}");
        }
    }
}

/// A version, the latest time, the open group, and for each of the others a time since the one
/// before and its permits.
fn groups_text(groups: usize) -> usize {
    "w2 1795000000000000 1795000000000000,1000000,1000000 1795000000000000".len() + groups * " 1000000:1000000".len()
}

/// What every call reads of a strict limit in constant use is short, however many groups there are.
#[test]
fn of_a_strict_limit_is_read_in_a_short_part() {
    for limit in [10, 64, 255, 256, 1_000, 1_000_000] {
        let mut key = Key::new(&[per_second(limit, STRICT)], OnLimit::Reject);
        let (mut longest, mut groups) = (0, 0);
        for _ in 0..2_000 {
            key.pass_us(2_000_000 / u64::from(limit.min(1_000)));
            key.acquire(1 + limit / 1_000);
            let texts: Vec<&str> = key.world.live_cells().map(|(_, text)| text).collect();
            let words = |tag: &str| {
                let found = texts.iter().filter(|text| text.starts_with(tag)).map(|text| text.split(' ').count());
                found.sum::<usize>()
            };
            longest = longest.max(words("w2"));
            groups = groups.max(words("w2") + words("m2"));
        }
        assert!(longest <= 3 + 17, "{limit}: {longest}");
        assert!(limit < 100 || groups > 60, "{limit}: {groups}");
    }
}

#[test]
fn of_a_log_grows_with_its_limit_only() {
    for limit in [3, 100] {
        let most = "l1 1795000000000000 1795000000000000:1".len() + limit as usize * " 999999:100".len();
        assert!(longest_text(LOG, limit, OnLimit::Reject) <= most);
        assert!(longest_text(LOG, limit, OnLimit::Delay { max_wait_ms: 2_000 }) <= 3 * most);
    }
}

/// Of 20,000 places, more than a configuration can ask for, the text stays far below what a store
/// takes (1 MiB).
#[test]
fn of_the_longest_waits_is_bounded() {
    let fullest = [
        (per_ms(10_000, 1_000, LOG), 1_000, 1),
        (per_ms(1, 1_000, LOG), 10_000_000, 1),
        (per_ms(1, 1_000, STRICT), 1_000_000, 1),
        (per_ms(1, 1_000, FIXED), 1_000_000, 1),
        (per_ms(2, 1_000, COUNTER), 1_000_000, 1),
    ];
    for (limit, max_wait_ms, cost) in fullest {
        let mut key = Key::new(&[limit], OnLimit::Delay { max_wait_ms });
        let mut last = key.acquire(cost);
        // Each call a microsecond after the one before, so that a log can merge none.
        for _ in 0..1_200 {
            key.pass_us(1);
            last = key.acquire(cost);
        }
        assert!(limit.limit > 1_200 || last.verdict != Verdict::Allowed, "{limit:?}: {last:?}");
        let longest = key.world.live_cells().map(|(_, text)| text.len()).max().unwrap_or(0);
        assert!(longest * 20_000 / 1_200 < 1 << 19, "{limit:?}: {longest}");
    }
}

proptest! {
    #![proptest_config(cases(300))]

    /// A cell lives no longer than what it says can matter, the lag of a host and a rounding.
    #[test]
    fn is_gone_after_its_use(config in config(1..=1), start_us in 0..100_000_000_u64, steps in steps(40)) {
        let mut history = History::new(&config, start_us).without_lag();
        history.run(&steps)?;
        let key = &mut history.key;
        let limit = config.limits[0];
        let max_wait_ms = if let OnLimit::Delay { max_wait_ms } = config.on_limit { max_wait_ms } else { 0 };
        let use_ms = match limit.algorithm {
            // How full it is, a store knows only after the write: the longest it can be.
            Algorithm::Gcra { burst } | Algorithm::TokenBucket { burst } => {
                (limit.window.count * u64::from(burst.unwrap_or(limit.limit))).div_ceil(limit.limit.into()) + max_wait_ms
            }
            // What was given back counts no more, and lives on as long as if it did, of a group
            // that was open too.
            algorithm if steps.iter().any(|(_, op)| matches!(op, crate::history::Op::Refund { .. })) => {
                let lag_ms = if matches!(algorithm, Algorithm::SlidingWindow { .. }) { 1_000 } else { 0 };
                2 * limit.window.count + max_wait_ms + lag_ms
            }
            // Others may count in an open group until it has lasted its span, an eighth of the
            // window where it is wide, by what they knew a second before, and need its head to know
            // whose count that is.
            Algorithm::SlidingWindow { sub_windows } => {
                let span_ms = (limit.window.count + max_wait_ms).div_ceil(sub_windows.into());
                key.peek(1).reset_after_ms + span_ms.max(limit.window.count.div_ceil(8)) + 1_000
            }
            _ => key.peek(1).reset_after_ms,
        };
        key.pass_ms(use_ms + 1_002);
        // What says by which limit a bucket is counted need not be put with every call, so it lives
        // on for as long again, or a second.
        let counts = |text: &String| !text.contains("=b1 ");
        let left: Vec<String> = shown(&key.world).into_iter().filter(counts).collect();
        prop_assert_eq!(left, Vec::<String>::new(), "{} ms after the last use", 1_002);
        key.pass_ms(use_ms.max(1_000));
        prop_assert_eq!(shown(&key.world), Vec::<String>::new());
    }
}

#[test]
fn outlives_the_lag_of_a_host() {
    for algorithm in ALGORITHMS.into_iter().filter(|algorithm| !is_bucket(*algorithm)) {
        let mut key = Key::new(&[per_second(10, algorithm)], OnLimit::Reject);
        let reset_ms = key.acquire(10).reset_after_ms;
        let late = key.at_us(key.now_us() + reset_ms * 1_000 + 999_000);
        assert!(!shown(&late.world).is_empty(), "{algorithm:?}");
    }
}

#[test]
fn of_a_queue_is_gone_when_all_timed_out() {
    for algorithm in ALGORITHMS {
        let mut key = Key::new(&[per_second(10, algorithm)], QUEUE);
        key.acquire(10);
        key.acquire(1);
        key.pass_ms(20);
        key.acquire(1);
        key.pass_ms(29_900);
        assert_eq!(key.peek(1).waiting, 2, "{algorithm:?}");
        key.pass_ms(1_102);
        assert_eq!(shown(&key.world), Vec::<String>::new(), "{algorithm:?}");
    }
}
