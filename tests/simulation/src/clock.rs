//! Hosts' clocks: each is off, too fast or too slow, and now and then jumps.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use tidegate::Clock;
use tidegate::store::BoxFuture;

use crate::timeline::Timeline;

/// What a clock without fault shows at the start of a run: noon of 1 January 2026, UTC.
pub const START_US: u64 = 1_767_268_800_000_000;

/// How a clock is wrong.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Error {
    /// By this many microseconds, from the start.
    pub offset_us: i64,
    /// It gains this many microseconds in a second.
    pub drift_ppm: i64,
}

/// A host's clock on virtual time. Clones are the same clock.
#[derive(Debug, Clone)]
pub struct HostClock {
    timeline: Timeline,
    error: Error,
    jumped_us: Arc<AtomicI64>,
    /// When its host is busy and hears no timer.
    busy: Arc<[(u64, u64)]>,
}

impl HostClock {
    /// A clock that is wrong by `error`.
    pub fn new(timeline: Timeline, error: Error) -> Self {
        Self { timeline, error, jumped_us: Arc::default(), busy: Arc::from([]) }
    }

    /// A host that is busy in these spans, from and until when.
    #[must_use]
    pub fn busy(self, spans: impl IntoIterator<Item = (u64, u64)>) -> Self {
        Self { busy: spans.into_iter().collect(), ..self }
    }

    /// Waits until the host is not busy any more.
    async fn attend(&self) {
        loop {
            let now_us = self.timeline.now_us();
            let busy = self.busy.iter().filter(|(from_us, until_us)| (*from_us..*until_us).contains(&now_us));
            let Some(until_us) = busy.map(|(_, until_us)| *until_us).max() else { return };
            self.timeline.sleep(until_us - now_us).await;
        }
    }

    /// From now on it shows so much more.
    pub fn jump(&self, us: i64) {
        self.jumped_us.fetch_add(us, Ordering::Relaxed);
    }
}

impl Clock for HostClock {
    fn now_us(&self) -> u64 {
        let true_us = self.timeline.now_us().cast_signed();
        let gained_us = true_us * self.error.drift_ppm / 1_000_000;
        let off_us = self.error.offset_us + gained_us + self.jumped_us.load(Ordering::Relaxed);
        START_US.saturating_add_signed(true_us + off_us)
    }

    /// By a timer, which runs as fast as the clock but does not jump.
    fn sleep(&self, time: Duration) -> BoxFuture<'_, ()> {
        let us = i64::try_from(time.as_micros()).unwrap_or(i64::MAX / 2);
        let lost_us = us / 1_000_000 * self.error.drift_ppm + us % 1_000_000 * self.error.drift_ppm / 1_000_000;
        let slept = self.timeline.sleep((us - lost_us).max(0).unsigned_abs());
        Box::pin(async move {
            slept.await;
            self.attend().await;
        })
    }

    fn block(&self, _time: Duration) {
        panic!("a thread that blocks would stop virtual time");
    }
}
