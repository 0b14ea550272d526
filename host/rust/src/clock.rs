//! Clocks: what time it is, and how to wait for another.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use parking_lot::{Condvar, Mutex};
use tokio::sync::watch;

use crate::store::BoxFuture;

/// What time it is, and how to wait.
///
/// With a shared store only differences of this clock matter: decisions are made on the store's
/// clock, and each reply of the store says how far this one is off.
pub trait Clock: Send + Sync + std::fmt::Debug {
    /// Microseconds since 1970.
    fn now_us(&self) -> u64;
    /// Returns when this time has passed.
    fn sleep(&self, time: Duration) -> BoxFuture<'_, ()>;
    /// Blocks the thread until this time has passed.
    fn block(&self, time: Duration);
}

/// The system's clock: the time of day, told on by the monotonic clock. It never runs backwards and
/// does not stand still: where the time of day is set back, it goes on from where it was; where
/// that is set forward, it follows within a second. It is one clock for the whole process. Waiting
/// needs a tokio runtime with time enabled.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now_us(&self) -> u64 {
        static BEGUN: LazyLock<Instant> = LazyLock::new(Instant::now);
        static DAY: TimeOfDay = TimeOfDay::new();
        let begun = *BEGUN;
        DAY.now_us(|| us(begun.elapsed()), || us(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()))
    }

    fn sleep(&self, time: Duration) -> BoxFuture<'_, ()> {
        Box::pin(tokio::time::sleep(time))
    }

    fn block(&self, time: Duration) {
        std::thread::sleep(time);
    }
}

/// How often the time of day is looked at, in microseconds of the monotonic clock.
const LOOK_US: u64 = 1_000_000;

/// The time of day at the monotonic clock's beginning. It only grows.
#[derive(Debug)]
struct TimeOfDay {
    beginning_us: AtomicU64,
    look_at_us: AtomicU64,
}

impl TimeOfDay {
    const fn new() -> Self {
        Self { beginning_us: AtomicU64::new(0), look_at_us: AtomicU64::new(0) }
    }

    fn now_us(&self, monotonic_us: impl Fn() -> u64, day_us: impl Fn() -> u64) -> u64 {
        let mut passed_us = monotonic_us();
        // Whoever need not look sees the beginning that was found when it was looked at.
        if passed_us >= self.look_at_us.load(Ordering::Acquire) {
            // The monotonic clock is read last, so a thread that is held up in between does not
            // push the time forward.
            let day_us = day_us();
            passed_us = monotonic_us();
            self.beginning_us.fetch_max(day_us.saturating_sub(passed_us), Ordering::Relaxed);
            self.look_at_us.store(passed_us + LOOK_US, Ordering::Release);
        }
        self.beginning_us.load(Ordering::Relaxed) + passed_us
    }
}

/// A clock that stands still until it is told to move: for tests of code that uses Tidegate.
///
/// ```
/// use std::time::Duration;
/// use tidegate::{Limit, ManualClock, RateLimiterConfig, blocking::Tidegate};
///
/// let clock = ManualClock::new();
/// let gate = Tidegate::builder().clock(clock.clone()).build()?;
/// let limiter = gate.rate_limiter(RateLimiterConfig::new("api", Limit::per_second(1)))?;
/// assert!(limiter.try_acquire("me")?.is_allowed());
/// assert!(!limiter.try_acquire("me")?.is_allowed());
/// clock.advance(Duration::from_millis(1_100));
/// assert!(limiter.try_acquire("me")?.is_allowed());
/// # Ok::<(), tidegate::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct ManualClock {
    inner: Arc<Manual>,
}

#[derive(Debug)]
struct Manual {
    now_us: Mutex<u64>,
    /// Wakes threads.
    moved: Condvar,
    /// Wakes tasks.
    told: watch::Sender<u64>,
}

impl ManualClock {
    /// Stands at noon of 1 January 2026, UTC.
    pub fn new() -> Self {
        Self::at_us(1_767_268_800_000_000)
    }

    /// Stands at a time in microseconds since 1970.
    pub fn at_us(now_us: u64) -> Self {
        let inner = Manual { now_us: Mutex::new(now_us), moved: Condvar::new(), told: watch::Sender::new(now_us) };
        Self { inner: Arc::new(inner) }
    }

    /// Moves on, and wakes those whose time has come.
    pub fn advance(&self, time: Duration) {
        let now_us = self.now_us().saturating_add(us(time));
        self.set_us(now_us);
    }

    /// Jumps to a time, earlier or later.
    pub fn set_us(&self, now_us: u64) {
        *self.inner.now_us.lock() = now_us;
        self.inner.moved.notify_all();
        self.inner.told.send_replace(now_us);
    }
}

impl Default for ManualClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for ManualClock {
    fn now_us(&self) -> u64 {
        *self.inner.now_us.lock()
    }

    fn sleep(&self, time: Duration) -> BoxFuture<'_, ()> {
        let mut told = self.inner.told.subscribe();
        let until_us = self.now_us().saturating_add(us(time));
        Box::pin(async move {
            // The sender lives as long as `self`, which this future borrows.
            let _ = told.wait_for(|now_us| *now_us >= until_us).await;
        })
    }

    fn block(&self, time: Duration) {
        let mut now_us = self.inner.now_us.lock();
        let until_us = now_us.saturating_add(us(time));
        self.inner.moved.wait_while(&mut now_us, |now_us| *now_us < until_us);
    }
}

/// Whole microseconds.
fn us(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    /// A monotonic clock and a time of day, moved by hand.
    #[derive(Default)]
    struct Hands {
        monotonic_us: Cell<u64>,
        day_us: Cell<u64>,
    }

    impl Hands {
        fn pass(&self, us: u64) {
            self.monotonic_us.set(self.monotonic_us.get() + us);
            self.day_us.set(self.day_us.get() + us);
        }

        fn read(&self, day: &TimeOfDay) -> u64 {
            day.now_us(|| self.monotonic_us.get(), || self.day_us.get())
        }
    }

    const HOUR_US: u64 = 3_600_000_000;

    #[test]
    fn time_that_is_set_back_an_hour_goes_on() {
        let (day, hands) = (TimeOfDay::new(), Hands::default());
        hands.day_us.set(10 * HOUR_US);
        assert_eq!(hands.read(&day), 10 * HOUR_US);
        hands.day_us.set(9 * HOUR_US);
        for second in 1..=20 {
            hands.pass(LOOK_US);
            assert_eq!(hands.read(&day), 10 * HOUR_US + second * LOOK_US);
        }
    }

    #[test]
    fn time_that_is_set_forward_is_followed_within_a_second() {
        let (day, hands) = (TimeOfDay::new(), Hands::default());
        hands.day_us.set(HOUR_US);
        hands.read(&day);
        hands.day_us.set(3 * HOUR_US);
        hands.pass(LOOK_US);
        assert_eq!(hands.read(&day), 3 * HOUR_US + LOOK_US);
    }

    #[test]
    fn a_thread_held_up_while_it_looks_pushes_nothing_forward() {
        let (day, hands) = (TimeOfDay::new(), Hands::default());
        hands.day_us.set(HOUR_US);
        let held_up = day.now_us(
            || hands.monotonic_us.get(),
            || {
                let looked_us = hands.day_us.get();
                hands.pass(50_000);
                looked_us
            },
        );
        assert_eq!(held_up, HOUR_US);
        hands.pass(LOOK_US);
        assert_eq!(hands.read(&day), hands.day_us.get());
    }

    #[test]
    fn the_clock_of_the_system_tells_the_time_of_day() {
        let day_us = us(SystemTime::now().duration_since(UNIX_EPOCH).expect("it is after 1970"));
        assert!(SystemClock.now_us().abs_diff(day_us) < 60_000_000);
    }
}
