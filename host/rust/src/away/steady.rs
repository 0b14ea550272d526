//! A clock that never goes back.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::clock::Clock;

/// Set back by less, the clock is waited for instead: so far apart may threads be that ask at the
/// same time.
const SLACK_US: u64 = 100_000;

/// The host's clock, in microseconds, going on from where it was when that is set back. A watch
/// that is open for half a second must not be open for an hour because the clock was.
#[derive(Debug)]
pub(crate) struct Steady {
    clock: Arc<dyn Clock>,
    /// By how much it was set back so far.
    back_us: AtomicU64,
    latest_us: AtomicU64,
}

impl Steady {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, back_us: AtomicU64::new(0), latest_us: AtomicU64::new(0) }
    }

    /// The time, never earlier than before but for what threads are apart that ask together.
    pub(crate) fn now_us(&self) -> u64 {
        let back_us = self.back_us.load(Ordering::Relaxed);
        let now_us = self.clock.now_us().saturating_add(back_us);
        let latest_us = self.latest_us.load(Ordering::Relaxed);
        if now_us > latest_us {
            // Of threads that do so together any may win: they are nowhere near the slack apart.
            self.latest_us.store(now_us, Ordering::Relaxed);
        } else if latest_us - now_us > SLACK_US {
            // Of threads that find out together one puts it right.
            let more_us = back_us + (latest_us - now_us);
            let _ = self.back_us.compare_exchange(back_us, more_us, Ordering::Relaxed, Ordering::Relaxed);
        }
        now_us.max(latest_us)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::clock::ManualClock;

    #[test]
    fn a_clock_that_is_set_back_goes_on_from_where_it_was() {
        let clock = ManualClock::at_us(5_000_000);
        let steady = Steady::new(Arc::new(clock.clone()));
        assert_eq!(steady.now_us(), 5_000_000);
        clock.set_us(1_000_000);
        assert_eq!(steady.now_us(), 5_000_000);
        clock.advance(Duration::from_millis(30));
        assert_eq!(steady.now_us(), 5_030_000);
        clock.set_us(9_000_000);
        assert!(steady.now_us() > 5_030_000);
    }
}
