//! Rates over a long span of virtual time: never above, and exact to 0.1 %.

use tidegate_policy::rate_limiter::{Algorithm, Limit, OnLimit, Verdict, Window, WindowUnit};

use crate::support::{BUCKET, COUNTER, FIXED, GCRA, Key, LOG, capacity};

/// How many parts of a window pass between two calls: of no sub-window length and of no permit's.
const PARTS: u64 = 32;
const WINDOWS: u64 = 64;

fn rates() -> Vec<Limit> {
    use WindowUnit::{Day, Hour, Millisecond, Minute, Second};
    let rates = [
        (1, 30, Day),
        (3, 7, Day),
        (10, 1, Second),
        (100, 1, Minute),
        (1_000, 1, Hour),
        (999_983, 1, Second),
        (1_000_000, 1, Second),
        (1_000_000_000, 1, Day),
        (333, 1_000, Millisecond),
        (7, 13, Millisecond),
        (u32::MAX, 366, Day),
    ];
    let limit = |(limit, count, unit)| Limit { limit, window: Window { unit, count }, algorithm: GCRA };
    rates.into_iter().map(limit).collect()
}

fn window_us(limit: &Limit) -> u64 {
    let ms = match limit.window.unit {
        WindowUnit::Millisecond => 1,
        WindowUnit::Second => 1_000,
        WindowUnit::Minute => 60_000,
        WindowUnit::Hour => 3_600_000,
        WindowUnit::Day => 86_400_000,
    };
    limit.window.count * ms * 1_000
}

/// A key that is asked for all that remains, again and again, from the start of a window on.
struct Greedy {
    key: Key,
    start_us: u64,
    taken: u64,
}

impl Greedy {
    fn new(limit: Limit) -> Self {
        let mut key = Key::new(&[limit], OnLimit::Reject);
        let start_us = key.now_us().next_multiple_of(window_us(&limit));
        key.world.set_us(start_us);
        Self { key, start_us, taken: 0 }
    }

    fn take(&mut self) {
        let remaining = self.key.peek(1).remaining;
        if remaining > 0 {
            assert_eq!(self.key.acquire(remaining).verdict, Verdict::Allowed);
            self.taken += u64::from(remaining);
        }
        assert_eq!(self.key.peek(1).remaining, 0);
    }

    /// All that is taken from the start to this many steps after it, and at that time.
    fn run(mut self, steps: u64, step_us: impl Fn(u64) -> u64) -> u64 {
        for step in 0..=steps {
            self.key.world.set_us(self.start_us + step_us(step));
            self.take();
        }
        self.taken
    }
}

/// Permits at `limit` per `window` in so long, rounded down.
fn expected(limit: &Limit, us: u64) -> u64 {
    u64::try_from(u128::from(limit.limit) * u128::from(us) / u128::from(window_us(limit))).expect("it fits")
}

#[test]
fn gcra_and_token_bucket_are_exact() {
    for algorithm in [GCRA, BUCKET] {
        for limit in rates() {
            let limit = Limit { algorithm, ..limit };
            let window_us = window_us(&limit);
            let taken = Greedy::new(limit).run(WINDOWS * PARTS, |step| step * window_us / PARTS);
            let promised = u64::from(capacity(&limit)) + expected(&limit, WINDOWS * window_us);
            assert!(taken <= promised, "{limit:?}: {taken} of {promised}");
            assert!(promised - taken <= 1, "{limit:?}: {taken} of {promised}");
        }
    }
}

/// A burst of 1 lets every permit go at its own time, so that a permit's rounding would add up.
#[test]
fn bucket_with_a_burst_of_one_is_exact() {
    for limit in rates() {
        let limit = Limit { algorithm: Algorithm::Gcra { burst: Some(1) }, ..limit };
        let mut key = Key::new(&[limit], OnLimit::Delay { max_wait_ms: 86_400_000 });
        let per_permit_us = window_us(&limit) / u64::from(limit.limit);
        let count = (80_000_000_000 / per_permit_us.max(1)).min(3_000);
        if count < 100 {
            continue;
        }
        let (start_us, mut last_us) = (key.now_us(), 0);
        for _ in 0..=count {
            last_us = key.acquire(1).charged_at_us;
        }
        let promised = expected(&limit, last_us - start_us + 1);
        assert!(count <= promised, "{limit:?}: {count} in {} us", last_us - start_us);
        // A place is a whole microsecond: the last one is less than one late.
        assert!(expected(&limit, last_us - start_us - 1) <= count, "{limit:?}: {count} of {promised}");
    }
}

#[test]
fn fixed_window_is_exact() {
    for limit in rates() {
        let limit = Limit { algorithm: FIXED, ..limit };
        let window_us = window_us(&limit);
        let taken = Greedy::new(limit).run(WINDOWS * PARTS - 1, |step| step * window_us / PARTS);
        assert_eq!(taken, u64::from(limit.limit) * WINDOWS, "{limit:?}");
    }
}

/// Each permit comes back exactly a window after it was given.
#[test]
fn sliding_log_is_exact() {
    for limit in rates().into_iter().filter(|limit| limit.limit <= 10_000) {
        let limit = Limit { algorithm: LOG, ..limit };
        let window_us = window_us(&limit);
        let taken = Greedy::new(limit).run(WINDOWS * PARTS - 1, |step| step * window_us / PARTS);
        assert_eq!(taken, u64::from(limit.limit) * WINDOWS, "{limit:?}");
    }
}

/// All that is taken at once comes back exactly a window later, whatever the limit and the
/// sub-windows.
#[test]
fn sliding_window_is_exact_after_a_burst() {
    for sub_windows in [1, 2, 10, 64, 100] {
        for limit in rates() {
            let limit = Limit { algorithm: Algorithm::SlidingWindow { sub_windows }, ..limit };
            let window_us = window_us(&limit);
            let taken = Greedy::new(limit).run(WINDOWS * PARTS - 1, |step| step * window_us / PARTS);
            assert_eq!(taken, u64::from(limit.limit) * WINDOWS, "{limit:?}");
        }
    }
}

/// Of the window before at least a part of a permit counts until its end, so steady load is given
/// one less than the limit.
#[test]
fn sliding_window_counter_gives_all_but_one_permit_a_window() {
    for limit in rates().into_iter().filter(|limit| limit.limit > 1) {
        let limit = Limit { algorithm: COUNTER, ..limit };
        let window_us = window_us(&limit);
        // Many steps, as its last permits come just before the end of the window.
        let end = |step: u64| (step + 1) * window_us / PARTS - 1;
        let taken = Greedy::new(limit).run(WINDOWS * PARTS - 1, end);
        let per_window = u64::from(limit.limit) - 1;
        assert!(taken <= per_window * WINDOWS + 1, "{limit:?}: {taken}");
        assert!(taken >= per_window * WINDOWS - per_window * WINDOWS / 1_000, "{limit:?}: {taken}");
    }
    let one = Limit { algorithm: COUNTER, ..rates()[0] };
    let taken = Greedy::new(one).run(WINDOWS * PARTS - 1, |step| step * window_us(&one) / PARTS);
    assert_eq!(taken, WINDOWS / 2, "a limit of 1 gives every second window's permit");
}

#[test]
fn token_bucket_refills_continuously() {
    for algorithm in [GCRA, BUCKET] {
        let limit = Limit { limit: 1_000, window: Window { unit: WindowUnit::Second, count: 1 }, algorithm };
        let mut key = Key::new(&[limit], OnLimit::Reject);
        key.acquire(1_000);
        for passed_ms in 1..=1_000 {
            key.pass_us(999);
            assert_eq!(key.peek(1).remaining, passed_ms - 1);
            key.pass_us(1);
            assert_eq!(key.peek(1).remaining, passed_ms, "a permit a millisecond");
        }
        key.pass_ms(5_000);
        assert_eq!(key.peek(1).remaining, 1_000, "and none above the burst");
    }
}
