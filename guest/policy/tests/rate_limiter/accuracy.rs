//! The strict window beside a sliding log on the same arrivals: never much less, and exactly as
//! much where a limit is small.
//!
//! The log here is a list of times, and knows nothing of how the policy counts.

use std::collections::VecDeque;

use proptest::prelude::*;
use tidegate_policy::rate_limiter::{OnLimit, Verdict};

use crate::history::cases;
use crate::support::{Key, LOG, STRICT, T0_US, per_ms, per_second};

const DAY_MS: u64 = 86_400_000;

/// The times of the permits that count, and no more of them than the limit.
struct TrueLog {
    limit: usize,
    window_us: u64,
    given: VecDeque<u64>,
}

impl TrueLog {
    fn admits(&mut self, at_us: u64) -> bool {
        while self.given.front().is_some_and(|given_us| given_us + self.window_us <= at_us) {
            self.given.pop_front();
        }
        let fits = self.given.len() < self.limit;
        if fits {
            self.given.push_back(at_us);
        }
        fits
    }
}

/// How calls come.
#[derive(Debug, Clone, Copy)]
enum Arrivals {
    Even,
    Random,
    /// This many at once.
    Bursts(u64),
    /// All of a window in the first part of it.
    Job {
        parts: u64,
    },
}

/// The calls to come: this many in a window on average.
struct Calls {
    arrivals: Arrivals,
    window_us: u64,
    per_window: u64,
    random: u64,
    random_us: u64,
}

impl Calls {
    /// When the call of that number comes, after the start.
    fn at_us(&mut self, index: u64) -> u64 {
        let even = |index: u64, us: u64| {
            let us = u128::from(index) * u128::from(us) / u128::from(self.per_window);
            u64::try_from(us).expect("a few windows")
        };
        match self.arrivals {
            Arrivals::Even => even(index, self.window_us),
            Arrivals::Bursts(size) => even(index / size * size, self.window_us),
            Arrivals::Job { parts } => {
                let (window, within) = (index / self.per_window, index % self.per_window);
                window * self.window_us + even(within, self.window_us / parts)
            }
            Arrivals::Random => {
                self.random =
                    self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let drawn = self.random >> 20;
                // Half of them come with the one before, and an eighth after a pause.
                let times = [0, 0, 0, 0, 1, 1, 2, 4][(drawn % 8) as usize];
                self.random_us += times * (drawn / 8 % (2 * self.window_us / self.per_window + 1));
                self.random_us
            }
        }
    }
}

/// What a strict limit and a log admit of the same calls.
fn admitted(limit: u32, length_ms: u64, arrivals: Arrivals, per_window: u64, calls: u64, seed: u64) -> (u64, u64) {
    let window_us = length_ms * 1_000;
    let mut key = Key::new(&[per_ms(limit, length_ms, STRICT)], OnLimit::Reject);
    let start_us = key.now_us() + seed % window_us;
    let mut log = TrueLog { limit: limit as usize, window_us, given: VecDeque::new() };
    let mut coming = Calls { arrivals, window_us, per_window, random: seed, random_us: 0 };
    let (mut given, mut by_log) = (Vec::new(), 0);
    for index in 0..calls {
        let at_us = start_us + coming.at_us(index);
        key.world.set_us(at_us);
        if key.try_acquire(1).verdict == Verdict::Allowed {
            given.push(at_us);
        }
        by_log += u64::from(log.admits(at_us));
    }
    let last = limit as usize;
    let over = given.windows(last + 1).find(|span| span[last] - span[0] < window_us);
    assert_eq!(over, None, "more than {limit} in a window");
    (given.len() as u64, by_log)
}

fn arrivals() -> impl Strategy<Value = Arrivals> {
    prop_oneof![
        Just(Arrivals::Even),
        Just(Arrivals::Random),
        (1..=10_000_u64).prop_map(Arrivals::Bursts),
        (1..=20_u64).prop_map(Arrivals::Bursts),
        (2..=200_u64).prop_map(|parts| Arrivals::Job { parts }),
    ]
}

fn window_ms() -> impl Strategy<Value = u64> {
    prop_oneof![Just(1_000_u64), Just(60_000), Just(3_600_000), Just(DAY_MS), 1_000..=DAY_MS]
}

/// Small limits more often than great ones.
fn limit() -> impl Strategy<Value = u32> {
    prop_oneof![2 => 1..=64_u32, 1 => 65..=255_u32, 2 => 256..=1_000_u32, 1 => 1_000..=10_000_u32]
}

proptest! {
    #![proptest_config(cases(100))]

    /// At 1 to 10 times the limit.
    #[test]
    fn is_close_to_a_log(
        limit in limit(),
        window_ms in window_ms(),
        arrivals in arrivals(),
        tenths in prop_oneof![Just(10_u64), 10..=12_u64, 10..=100_u64],
        seed in any::<u64>(),
    ) {
        let per_window = (u64::from(limit) * tenths).div_ceil(10);
        let calls = (3 * per_window).clamp(500, 20_000.max(2 * per_window));
        let (strict, log) = admitted(limit, window_ms, arrivals, per_window, calls, seed);
        prop_assert!(1_000 * strict >= 985 * log, "{} where a log admits {}", strict, log);
        if limit < 256 {
            prop_assert_eq!(strict, log);
        }
    }

    #[test]
    fn after_a_burst_retry_after_is_a_window(limit in limit(), window_ms in window_ms(), seed in 0..DAY_MS * 1_000) {
        let mut key = Key::new(&[per_ms(limit, window_ms, STRICT)], OnLimit::Reject);
        key.pass_us(seed);
        for _ in 0..limit.min(3_000) {
            prop_assert_eq!(key.try_acquire(1).verdict, Verdict::Allowed);
        }
        if limit > 3_000 {
            key.try_acquire(limit - 3_000);
        }
        for cost in [1, limit] {
            let denied = key.try_acquire(cost);
            prop_assert_eq!((denied.verdict, denied.retry_after_ms), (Verdict::Denied, window_ms));
            prop_assert_eq!(denied.reset_after_ms, window_ms);
        }
        key.pass_ms(window_ms);
        prop_assert_eq!(key.try_acquire(limit).verdict, Verdict::Allowed);
    }
}

/// Clients that keep exactly to a limit get all they ask for where it is small or they come at
/// once.
#[test]
fn exact_clients_get_all_they_ask_for() {
    for (limit, window_ms, per_call, every_ms, calls) in [
        (1, 1_000, 1, 1_000, 200),
        (10, 1_000, 1, 100, 2_000),
        (64, 60_000, 1, 937, 640),
        (100, 60_000, 100, 60_000, 20),
        (1_000, DAY_MS, 1_000, DAY_MS, 20),
        (10_000, DAY_MS, 10_000, DAY_MS, 5),
    ] {
        // The minute of 64 calls is a little shorter than they ask for.
        let every_us = if limit == 64 { 937_500 } else { every_ms * 1_000 };
        for start_us in [0, 1, 499_999, 999_999] {
            let mut key = Key::new(&[per_ms(limit, window_ms, STRICT)], OnLimit::Reject);
            key.pass_us(start_us);
            for call in 0..calls {
                for _ in 0..per_call {
                    assert_eq!(key.try_acquire(1).verdict, Verdict::Allowed, "{limit} in {window_ms} ms: call {call}");
                }
                key.pass_us(every_us);
            }
        }
    }
}

/// Ten times as many calls as a limit allows get exactly the limit.
#[test]
fn overload_gets_the_limit() {
    for limit in [10, 64] {
        let (strict, log) = admitted(limit, 1_000, Arrivals::Even, 10 * u64::from(limit), 200 * u64::from(limit), 3);
        assert_eq!((strict, log), (20 * u64::from(limit), 20 * u64::from(limit)));
    }
    for (limit, tenths) in [(1_000, 11), (1_000, 100), (10_000, 15)] {
        let per_window = limit * tenths / 10;
        let (strict, log) = admitted(1_000, 1_000, Arrivals::Even, per_window, 8 * per_window, 3);
        assert!(1_000 * strict >= 985 * log, "{strict} where a log admits {log}");
    }
}

/// A job of a thousand a day that takes ten minutes.
#[test]
fn job_that_takes_ten_minutes_gets_nearly_all_it_asks_for() {
    for limit in [1_000, 10_000] {
        let days = if limit == 1_000 { 30 } else { 6 };
        let job = Arrivals::Job { parts: 144 };
        let (strict, log) = admitted(limit, DAY_MS, job, u64::from(limit), days * u64::from(limit), 5);
        assert_eq!(log, days * u64::from(limit));
        assert!(1_000 * strict >= 985 * log, "{strict} of {log}");
    }
}

/// Four processes call fifty times each on every edge of a second, mixed, at 100 a second. Counted
/// by spans of the clock they got 412 in six seconds.
#[test]
fn processes_with_bursts_on_edges_of_seconds_get_what_a_log_gives() {
    let admitted = |algorithm| {
        let mut key = Key::new(&[per_second(100, algorithm)], OnLimit::Reject);
        let mut admitted = 0;
        for second in 0..6_u64 {
            for call in 0..200_u64 {
                key.world.set_us(T0_US + second * 1_000_000 + call * 40);
                key.world.set_host(u32::try_from(call % 4).expect("it is small"));
                admitted += u32::from(key.try_acquire(1).verdict == Verdict::Allowed);
            }
        }
        admitted
    };
    assert_eq!((admitted(STRICT), admitted(LOG)), (600, 600));
}
