//! Virtual time: it moves on, to the next thing that is to happen, when no task has anything left
//! to do.
//!
//! Tasks run in tokio's single-threaded executor, whose own clock stands still and is moved along.
//! Counted in microseconds from the start of the run.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use parking_lot::Mutex;

/// The longest step, in microseconds. A ledger that is contended backs off by tokio's clock, which
/// counts in milliseconds; no step is longer while it may, so it wakes in time.
const STEP_US: u64 = 1_000;
/// Nobody backs off for longer, in microseconds, and nobody begins to but on what has happened.
/// After so long without anything, time goes on to the next thing in one step.
const BACK_OFF_US: u64 = 100_000;

/// What happens at a time.
enum Event {
    Wake(Waker),
    Run(Box<dyn FnOnce() + Send>),
}

#[derive(Default)]
struct Inner {
    now_us: u64,
    /// When something last happened.
    happened_us: u64,
    /// Tells events of the same time apart: first come, first served.
    count: u64,
    events: BTreeMap<(u64, u64), Event>,
}

/// Virtual time and what is to happen in it. Clones are the same.
#[derive(Clone, Default)]
pub struct Timeline(Arc<Mutex<Inner>>);

impl std::fmt::Debug for Timeline {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Timeline").field("now_us", &self.now_us()).finish_non_exhaustive()
    }
}

impl Timeline {
    /// Microseconds since the start of the run.
    pub fn now_us(&self) -> u64 {
        self.0.lock().now_us
    }

    /// Does something at a time.
    pub fn at(&self, at_us: u64, what: impl FnOnce() + Send + 'static) {
        self.0.lock().add(at_us, Event::Run(Box::new(what)));
    }

    /// Returns when so much time has passed.
    pub fn sleep(&self, us: u64) -> Sleep {
        Sleep { timeline: self.clone(), until_us: self.now_us().saturating_add(us), place: None }
    }

    /// Lets time pass until `done`, and says whether it was before the time `until_us`.
    pub async fn pass(&self, until_us: u64, done: impl Fn() -> bool) -> bool {
        // Who lets time pass may just have begun something.
        self.0.lock().happened();
        loop {
            // Comes back when no other task can go on: see `runtime`.
            tokio::task::yield_now().await;
            if done() {
                return true;
            }
            let now_us = self.now_us();
            if now_us >= until_us {
                return false;
            }
            let to_us = self.0.lock().step_us(until_us);
            tokio::time::advance(Duration::from_micros(to_us - now_us)).await;
            let event = self.0.lock().move_to(to_us);
            if let Some(event) = event {
                event.happen();
            }
        }
    }
}

impl Inner {
    fn add(&mut self, at_us: u64, event: Event) -> (u64, u64) {
        self.count += 1;
        let place = (at_us.max(self.now_us), self.count);
        self.events.insert(place, event);
        place
    }

    fn happened(&mut self) {
        self.happened_us = self.now_us;
    }

    fn next_us(&self) -> Option<u64> {
        self.events.first_key_value().map(|((at_us, _), _)| *at_us)
    }

    /// Where to move on to: the next thing that is to happen, unless that is beyond a step or
    /// `until_us`.
    fn step_us(&self, until_us: u64) -> u64 {
        let is_quiet = self.now_us >= self.happened_us + BACK_OFF_US;
        let most_us = if is_quiet { u64::MAX } else { self.now_us + STEP_US };
        self.next_us().unwrap_or(u64::MAX).clamp(self.now_us, until_us.min(most_us))
    }

    /// Moves on to a time, and takes out what is to happen there.
    fn move_to(&mut self, us: u64) -> Option<Event> {
        self.now_us = us;
        let due = self.next_us().is_some_and(|at_us| at_us <= self.now_us);
        let event = due.then(|| self.events.pop_first()).flatten();
        if event.is_some() {
            self.happened();
        }
        event.map(|(_, event)| event)
    }
}

impl Event {
    fn happen(self) {
        match self {
            Self::Wake(waker) => waker.wake(),
            Self::Run(what) => what(),
        }
    }
}

/// Waits for a time.
#[derive(Debug)]
pub struct Sleep {
    timeline: Timeline,
    until_us: u64,
    place: Option<(u64, u64)>,
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let timeline = self.timeline.clone();
        let mut inner = timeline.0.lock();
        if inner.now_us >= self.until_us {
            return Poll::Ready(());
        }
        if let Some(place) = self.place.take() {
            inner.events.remove(&place);
        }
        self.place = Some(inner.add(self.until_us, Event::Wake(context.waker().clone())));
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let Some(place) = self.place.take() {
            self.timeline.0.lock().events.remove(&place);
        }
    }
}

/// An executor for one run: one thread, a clock that stands still, and whoever yields goes on when
/// all others are stuck.
///
/// # Panics
/// If the system denies what a runtime needs.
pub fn runtime() -> tokio::runtime::Runtime {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_time().start_paused(true).event_interval(u32::MAX).build().expect("a runtime starts")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn things_happen_in_the_order_of_their_times() {
        let (timeline, seen) = (Timeline::default(), Arc::new(Mutex::new(Vec::new())));
        runtime().block_on(async {
            for us in [5_000_u64, 1, 70, 5_000] {
                let (sleep, seen, timeline) = (timeline.sleep(us), Arc::clone(&seen), timeline.clone());
                tokio::spawn(async move {
                    sleep.await;
                    seen.lock().push((us, timeline.now_us()));
                });
            }
            assert!(timeline.pass(10_000, || seen.lock().len() == 4).await);
        });
        assert_eq!(*seen.lock(), [(1, 1), (70, 70), (5_000, 5_000), (5_000, 5_000)]);
    }

    #[test]
    fn sleeps_on_tokios_clock_end_within_two_milliseconds() {
        let timeline = Timeline::default();
        let woken_us = runtime().block_on(async {
            let at = timeline.clone();
            let sleeper = tokio::spawn(async move {
                tokio::time::sleep(Duration::from_micros(300)).await;
                at.now_us()
            });
            timeline.pass(10_000, || sleeper.is_finished()).await;
            sleeper.await.expect("it wakes")
        });
        assert!((300..=2_000).contains(&woken_us), "{woken_us}");
    }
}
