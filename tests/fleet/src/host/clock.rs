//! A clock that is wrong.

use std::time::Duration;

use tidegate::store::BoxFuture;
use tidegate::{Clock, SystemClock};

/// The system's clock, set ahead or back.
#[derive(Debug)]
pub(super) struct AheadClock {
    ahead_us: i64,
}

impl AheadClock {
    pub(super) fn new(ahead_ms: i64) -> Self {
        Self { ahead_us: ahead_ms * 1_000 }
    }
}

impl Clock for AheadClock {
    fn now_us(&self) -> u64 {
        SystemClock.now_us().saturating_add_signed(self.ahead_us)
    }

    fn sleep(&self, time: Duration) -> BoxFuture<'_, ()> {
        Box::pin(tokio::time::sleep(time))
    }

    fn block(&self, time: Duration) {
        SystemClock.block(time);
    }
}
