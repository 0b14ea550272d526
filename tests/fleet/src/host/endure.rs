//! Keeping up loads in the background.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use tidegate::{Ask, Clock as _, Decision, Error, RateLimiter, Stats, SystemClock, Tidegate, Verdict};
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::endurance::{Endured, Load, Signal, Toll, Watch};
use crate::protocol::{Admitted, Answer};

/// More than anything takes that comes: only what never comes meets it.
const PATIENCE: Duration = Duration::from_mins(1);

/// The loads under way.
#[derive(Default)]
pub(super) struct Endurance {
    loads: Vec<Arc<Kept>>,
    tasks: JoinSet<()>,
    stopped: watch::Sender<bool>,
    /// A call has ended.
    news: Arc<Notify>,
}

/// A load and what has become of it so far.
struct Kept {
    load: Load,
    limiter: RateLimiter,
    toll: Mutex<(Toll, Latest)>,
    news: Arc<Notify>,
}

/// The beginning of the latest call of each kind, by the machine's clock.
#[derive(Debug, Clone, Copy, Default)]
struct Latest {
    served_us: u64,
    degraded_us: u64,
}

/// A call that has ended.
struct Ended {
    cost: u32,
    start_us: u64,
    end_us: u64,
    result: Result<Decision, Error>,
}

impl Endurance {
    pub(super) fn begin(&mut self, gate: &Tidegate, loads: Vec<Load>) -> Result<Answer> {
        for load in loads {
            let limiter = gate.rate_limiter(load.limiter.clone())?;
            let kept = Kept { load, limiter, toll: Mutex::default(), news: Arc::clone(&self.news) };
            let kept = Arc::new(kept);
            for task in 0..kept.load.tasks {
                let cost = kept.load.costs[task % kept.load.costs.len()];
                self.tasks.spawn(Arc::clone(&kept).keep_up(cost, self.stopped.subscribe()));
            }
            self.loads.push(kept);
        }
        Ok(Answer::Begun)
    }

    pub(super) async fn watch(&self, watch: &Watch) -> Result<Answer> {
        let seeing = async {
            loop {
                let news = self.news.notified();
                tokio::pin!(news);
                news.as_mut().enable();
                if self.shows(watch) {
                    return;
                }
                news.await;
            }
        };
        match timeout(PATIENCE, seeing).await {
            Ok(()) => Ok(Answer::Seen),
            Err(_) => bail!("{watch:?} does not come: {}", self.state()),
        }
    }

    pub(super) async fn stop(&mut self, gate: &Tidegate) -> Result<Endured> {
        self.stopped.send_replace(true);
        let ending = async {
            while self.tasks.join_next().await.transpose()?.is_some() {}
            // What was let go without the store is charged before anybody looks.
            gate.flush().await;
            anyhow::Ok(())
        };
        timeout(PATIENCE, ending).await.with_context(|| format!("calls hang: {}", self.state()))??;
        self.stopped.send_replace(false);
        let tolls = self.loads.drain(..).map(|kept| std::mem::take(&mut kept.toll().0)).collect();
        let Stats { diverged, foreign, .. } = gate.stats();
        Ok(Endured { tolls, diverged, foreign })
    }

    fn shows(&self, watch: &Watch) -> bool {
        let is_served = |kept: &Arc<Kept>| kept.toll().1.served_us >= watch.since_us;
        match &watch.signal {
            Signal::Served => self.loads.iter().all(is_served),
            Signal::ServedAmong(loads) => loads.iter().all(|load| self.loads.get(*load).is_some_and(is_served)),
            Signal::Degraded => self.loads.iter().all(|kept| kept.toll().1.degraded_us >= watch.since_us),
            Signal::Failed(text) => self.loads.iter().any(|kept| {
                let failures = &kept.toll().0.failures;
                failures.iter().any(|(error, failures)| failures.last_us >= watch.since_us && error.contains(text))
            }),
        }
    }

    /// What to say where a test does not get what it waits for.
    fn state(&self) -> String {
        let of = |kept: &Arc<Kept>| {
            let (toll, latest) = &*kept.toll();
            let (name, admitted) = (&kept.load.limiter.name, toll.admitted.len());
            format!("{name}: {latest:?}, {admitted} admitted, {} denied, {:?}", toll.denied, toll.failures)
        };
        format!("now {}; {}", SystemClock.now_us(), self.loads.iter().map(of).collect::<Vec<_>>().join("; "))
    }
}

impl Kept {
    fn toll(&self) -> MutexGuard<'_, (Toll, Latest)> {
        // What a task that panicked has left is told all the same; its panic is told by `stop`.
        self.toll.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn keep_up(self: Arc<Self>, cost: u32, mut stopped: watch::Receiver<bool>) {
        let pause = Duration::from_millis(self.load.pause_ms.max(1));
        while !*stopped.borrow() {
            let (started, start_us) = (Instant::now(), SystemClock.now_us());
            let result = self.ask(cost).await;
            let took_us = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
            self.note(&Ended { cost, start_us, end_us: SystemClock.now_us(), result }, took_us);
            // Ends at once when told to.
            let _ = timeout(pause, stopped.changed()).await;
        }
    }

    async fn ask(&self, cost: u32) -> Result<Decision, Error> {
        let ask = Ask::of(&self.load.key).cost(cost);
        if !self.load.waits {
            return self.limiter.try_acquire(ask).await;
        }
        match self.limiter.acquire(ask).await {
            Err(Error::Denied { decision, .. }) => Ok(*decision),
            result => result.map(|admission| admission.decision),
        }
    }

    fn note(&self, call: &Ended, took_us: u64) {
        let (toll, latest) = &mut *self.toll();
        toll.longest_us = toll.longest_us.max(took_us);
        match &call.result {
            Ok(decision) if decision.degraded => {
                latest.degraded_us = latest.degraded_us.max(call.start_us);
                match decision.verdict {
                    Verdict::Allowed => toll.degraded.push(self.admitted(call, decision)),
                    _ => toll.degraded_denied += 1,
                }
            }
            Ok(decision) if decision.verdict == Verdict::Allowed => {
                latest.served_us = latest.served_us.max(call.start_us);
                toll.admitted.push(self.admitted(call, decision));
            }
            Ok(_) => toll.denied += 1,
            Err(error) => {
                let failures = toll.failures.entry(in_words(&error.to_string())).or_default();
                failures.calls += 1;
                failures.permits += u64::from(call.cost);
                failures.last_us = call.end_us;
            }
        }
        self.news.notify_waiters();
    }

    fn admitted(&self, call: &Ended, decision: &Decision) -> Admitted {
        let Ended { cost, start_us, end_us, .. } = *call;
        let at_us = if decision.at_us == 0 { end_us } else { decision.at_us };
        Admitted { key: self.load.key.clone(), cost: cost.into(), at_us, start_us, end_us }
    }
}

/// The text without its numbers: how long until the store is asked again is another in each error.
fn in_words(text: &str) -> String {
    let mut words = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '0'..='9' if words.ends_with('#') => {}
            '0'..='9' => words.push('#'),
            other => words.push(other),
        }
    }
    words
}
