//! How long an answer of the store is waited for.
//!
//! Only time counts in which this process was there to hear it. A process that is busy with
//! something else, such as a task that does not let others have a turn, notices an answer and the
//! end of the timeout at once, and may see the timer first. So the wait is cut into short naps:
//! one that lasts much longer than it should was no listening, and after it is listened for
//! another.

use std::future::Future;
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;
#[cfg(feature = "redis")]
use std::time::Instant;

use super::watches::Watches;

/// Into how many naps the timeout is cut.
const NAPS: u64 = 10;
/// How many stalls of a wait do not count at all: a process that is never there must not wait for
/// ever.
const MAX_STALLS: u32 = 10;
/// How many turns others have at the end, of whom one may hold the answer already.
const LAST_TURNS: usize = 8;

/// How long an answer of the store is still waited for.
#[derive(Debug)]
pub(crate) struct Patience {
    /// By the steady clock.
    due_us: u64,
    nap_us: u64,
    stalls: u32,
}

impl Patience {
    fn new(timeout: Duration, now_us: u64) -> Self {
        let timeout_us = u64::try_from(timeout.as_micros()).unwrap_or(u64::MAX);
        Self { due_us: now_us.saturating_add(timeout_us), nap_us: (timeout_us / NAPS).max(1), stalls: 0 }
    }

    /// How long the next nap is; zero: it was waited for long enough.
    fn nap_us(&self, now_us: u64) -> u64 {
        self.due_us.saturating_sub(now_us).min(self.nap_us)
    }

    /// A nap lasted so long.
    fn napped(&mut self, elapsed_us: u64) {
        if elapsed_us <= 2 * self.nap_us {
            return;
        }
        // After this many each counts as a nap of its proper length.
        let counted_us = if self.stalls < MAX_STALLS { 0 } else { self.nap_us };
        self.stalls = self.stalls.saturating_add(1);
        self.due_us = self.due_us.saturating_add(elapsed_us - counted_us);
    }

    /// Waits for an answer, by a clock and its timers; `None`: it has not come in time.
    async fn hear<T, S: Future<Output = ()>>(
        &mut self,
        now_us: impl Fn() -> u64,
        sleep: impl Fn(Duration) -> S,
        answer: impl Future<Output = T>,
    ) -> Option<T> {
        let mut answer = pin!(answer);
        loop {
            let asked_us = now_us();
            let nap_us = self.nap_us(asked_us);
            if nap_us == 0 {
                break;
            }
            tokio::select! {
                biased;
                answer = &mut answer => return Some(answer),
                () = sleep(Duration::from_micros(nap_us)) => {}
            }
            self.napped(now_us().saturating_sub(asked_us));
        }
        for _ in 0..LAST_TURNS {
            // A task of its own goes behind all who are ready: when it has ended, each of them has
            // had a turn.
            let _ = tokio::spawn(async {}).await;
            if let Poll::Ready(answer) = look(answer.as_mut()).await {
                return Some(answer);
            }
        }
        None
    }
}

impl Watches {
    /// The patience with an answer to what is handed on now; `None`: without end.
    pub(crate) fn patience(&self) -> Option<Patience> {
        self.store.timeout().map(|timeout| Patience::new(timeout, self.steady().now_us()))
    }

    /// Whether it was waited for long enough.
    pub(crate) fn is_over(&self, patience: Option<&Patience>) -> bool {
        patience.is_some_and(|patience| patience.nap_us(self.steady().now_us()) == 0)
    }

    /// Waits for an answer; `None`: it has not come in time.
    pub(crate) async fn hear<T>(&self, patience: Option<&mut Patience>, answer: impl Future<Output = T>) -> Option<T> {
        match patience {
            Some(patience) => patience.hear(|| self.steady().now_us(), |nap| self.clock.sleep(nap), answer).await,
            None => Some(answer.await),
        }
    }
}

/// Waits for an answer until the timeout, in real time. `None`: it has not come.
#[cfg(feature = "redis")]
pub(crate) async fn listen<T>(timeout: Duration, answer: impl Future<Output = T>) -> Option<T> {
    let started = Instant::now();
    let now_us = || u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
    Patience::new(timeout, 0).hear(now_us, tokio::time::sleep, answer).await
}

/// Looks once whether it is there.
async fn look<F: Future>(mut future: Pin<&mut F>) -> Poll<F::Output> {
    std::future::poll_fn(|context| Poll::Ready(future.as_mut().poll(context))).await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patience() -> Patience {
        Patience::new(Duration::from_millis(250), 1_000)
    }

    #[test]
    fn a_process_that_listens_waits_for_the_limit_and_no_longer() {
        let (mut patience, mut now_us) = (patience(), 1_000);
        while patience.nap_us(now_us) > 0 {
            let nap_us = patience.nap_us(now_us) + 900;
            patience.napped(nap_us);
            now_us += nap_us;
        }
        assert!((251_000..252_000).contains(&now_us), "{now_us}");
    }

    #[test]
    fn time_in_which_nobody_listened_does_not_count() {
        for busy_us in [60_000, 249_000, 250_000, 500_000, 10_000_000] {
            let mut patience = patience();
            patience.napped(busy_us);
            assert!(patience.nap_us(1_000 + busy_us) > 0, "{busy_us}");
        }
    }

    #[test]
    fn after_a_stall_at_the_very_end_it_is_listened_for_once_more() {
        let mut patience = patience();
        patience.napped(300_000 - 225_000);
        assert_eq!(patience.nap_us(301_000), 25_000);
    }

    #[test]
    fn a_process_that_is_never_there_does_not_wait_for_ever() {
        let (mut patience, mut now_us) = (patience(), 1_000);
        let mut naps = 0;
        while patience.nap_us(now_us) > 0 {
            patience.napped(1_000_000);
            now_us += 1_000_000;
            naps += 1;
        }
        assert_eq!(naps, 20);
    }
}
