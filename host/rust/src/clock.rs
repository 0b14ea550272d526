//! Clocks: what time it is, and how to wait for another.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use parking_lot::{Condvar, Mutex};
use tokio::sync::watch;

use crate::store::BoxFuture;

/// What time it is, and how to wait.
///
/// With a shared store only differences of this clock matter: decisions are made on the store's clock, and each reply of
/// the store says how far this one is off.
pub trait Clock: Send + Sync + std::fmt::Debug {
    /// Microseconds since 1970.
    fn now_us(&self) -> u64;
    /// Returns when so much time has passed.
    fn sleep(&self, time: Duration) -> BoxFuture<'_, ()>;
    /// Blocks the thread until so much time has passed.
    fn block(&self, time: Duration);
}

/// The system's clock. Waiting needs a tokio runtime with time enabled.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now_us(&self) -> u64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
    }

    fn sleep(&self, time: Duration) -> BoxFuture<'_, ()> {
        Box::pin(tokio::time::sleep(time))
    }

    fn block(&self, time: Duration) {
        std::thread::sleep(time);
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
