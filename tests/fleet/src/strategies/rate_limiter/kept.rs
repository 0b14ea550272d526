//! A load on a limiter.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Result;
use tidegate::{Ask, Clock as _, Decision, Error, RateLimiter, SystemClock, Tidegate, Verdict};
use tokio::sync::{Notify, watch};
use tokio::time::timeout;

use super::journal::Journal;
use super::load::{Load, Toll};
use super::protocol::Admitted;
use crate::failures::{Failures, add_failure};

/// A load and what has become of it so far.
pub(crate) struct Kept {
    load: Load,
    limiter: RateLimiter,
    toll: Mutex<(Toll, Latest)>,
    news: Arc<Notify>,
    /// Where to write down what is admitted, as which load.
    journal: Option<(Arc<Journal>, usize)>,
}

/// The beginning of the latest call of each kind, by the machine's clock, in microseconds since
/// 1970.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Latest {
    pub(crate) served: u64,
    pub(crate) leased: u64,
    pub(crate) degraded: u64,
}

/// A call that has ended.
struct Ended {
    cost: u32,
    start_us: u64,
    end_us: u64,
    result: Result<Decision, Error>,
}

impl Kept {
    pub(crate) fn new(
        gate: &Tidegate,
        load: Load,
        news: Arc<Notify>,
        journal: Option<(Arc<Journal>, usize)>,
    ) -> Result<Self> {
        let limiter = gate.rate_limiter(load.limiter.clone())?;
        Ok(Self { load, limiter, toll: Mutex::default(), news, journal })
    }

    /// The cost that each task asks for.
    pub(crate) fn costs(&self) -> Vec<u32> {
        self.load.costs.iter().copied().cycle().take(self.load.tasks).collect()
    }

    pub(crate) fn latest(&self) -> Latest {
        self.toll().1
    }

    pub(crate) fn has_failure(&self, is_it: impl Fn(&str, &Failures) -> bool) -> bool {
        self.toll().0.failures.iter().any(|(error, failures)| is_it(error, failures))
    }

    pub(crate) fn take(&self) -> Toll {
        std::mem::take(&mut self.toll().0)
    }

    /// What to say where a test does not get what it waits for.
    pub(crate) fn state(&self) -> String {
        let (toll, latest) = &*self.toll();
        let (name, admitted, leased) = (&self.load.limiter.name, toll.admitted.len(), toll.leased());
        format!(
            "{name}: {latest:?}, {admitted} admitted, {leased} of them on leases, {} denied, {:?}",
            toll.denied, toll.failures
        )
    }

    fn toll(&self) -> MutexGuard<'_, (Toll, Latest)> {
        // What a task that panicked has left is told all the same; its panic is told by `stop`.
        self.toll.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) async fn keep_up(self: Arc<Self>, cost: u32, mut stopped: watch::Receiver<bool>) {
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
                latest.degraded = latest.degraded.max(call.start_us);
                match decision.verdict {
                    Verdict::Allowed => toll.degraded.push(self.admitted(call, decision)),
                    _ => toll.degraded_denied += 1,
                }
            }
            Ok(decision) if decision.verdict == Verdict::Allowed => {
                // What goes on a lease does not show that the store is there.
                let kind = if decision.leased { &mut latest.leased } else { &mut latest.served };
                *kind = call.start_us.max(*kind);
                let admitted = self.admitted(call, decision);
                self.write_down(&admitted);
                toll.admitted.push(admitted);
            }
            Ok(_) => toll.denied += 1,
            Err(error) => add_failure(&mut toll.failures, &error.to_string(), call.cost.into(), call.end_us),
        }
        self.news.notify_waiters();
    }

    fn write_down(&self, admitted: &Admitted) {
        if let Some((journal, load)) = &self.journal {
            journal.note(*load, admitted.clone()).expect("the journal takes it");
        }
    }

    fn admitted(&self, call: &Ended, decision: &Decision) -> Admitted {
        let Ended { cost, start_us, end_us, .. } = *call;
        let at_us = if decision.at_us == 0 { end_us } else { decision.at_us };
        let charged_at_us = decision.charged_at_us.unwrap_or(0);
        let (key, cost, leased) = (self.load.key.clone(), cost.into(), decision.leased);
        Admitted { key, cost, at_us, start_us, end_us, leased, charged_at_us, charged_by_us: 0 }
    }
}
