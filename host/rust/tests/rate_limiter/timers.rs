//! Time that goes from one waking to the next, so that nothing is waited for in vain.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tidegate::store::BoxFuture;
use tidegate::{Clock, ManualClock};
use tokio::task::JoinHandle;

/// A clock that knows who sleeps, so that a test can move it from one waking to the next.
#[derive(Debug, Clone, Default)]
pub(crate) struct Timers {
    pub(crate) clock: ManualClock,
    wakings_us: Arc<Mutex<Vec<u64>>>,
}

/// One who sleeps, until it is dropped.
struct Asleep<'a>(&'a Timers, u64);

impl Drop for Asleep<'_> {
    fn drop(&mut self) {
        let mut wakings_us = self.0.wakings_us.lock();
        let place = wakings_us.iter().position(|waking_us| *waking_us == self.1);
        wakings_us.swap_remove(place.expect("it sleeps"));
    }
}

impl Clock for Timers {
    fn now_us(&self) -> u64 {
        self.clock.now_us()
    }

    fn sleep(&self, time: Duration) -> BoxFuture<'_, ()> {
        let waking_us = self.now_us() + u64::try_from(time.as_micros()).expect("a test's time is short");
        self.wakings_us.lock().push(waking_us);
        let asleep = Asleep(self, waking_us);
        Box::pin(async move {
            self.clock.sleep(time).await;
            drop(asleep);
        })
    }

    fn block(&self, time: Duration) {
        self.clock.block(time);
    }
}

impl Timers {
    /// Returns when this many sleep.
    pub(crate) async fn asleep(&self, count: usize) {
        while self.wakings_us.lock().len() != count {
            tokio::task::yield_now().await;
        }
    }

    /// Moves the clock from one waking to the next until all tasks have ended, and returns what
    /// they gave.
    pub(crate) async fn run<T>(&self, tasks: Vec<JoinHandle<T>>) -> Vec<T> {
        loop {
            let running = tasks.iter().filter(|task| !task.is_finished()).count();
            if running == 0 {
                break;
            }
            let next_us = {
                let wakings_us = self.wakings_us.lock();
                wakings_us.iter().min().copied().filter(|_| wakings_us.len() == running)
            };
            if let Some(next_us) = next_us.filter(|next_us| *next_us > self.now_us()) {
                self.clock.set_us(next_us);
            }
            tokio::task::yield_now().await;
        }
        let mut results = Vec::new();
        for task in tasks {
            results.push(task.await.expect("no task panics"));
        }
        results
    }
}
