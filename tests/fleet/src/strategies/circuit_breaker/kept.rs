//! A load on a circuit.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Result;
use tidegate::{CircuitBreaker, CircuitReport, Clock as _, Error, Failure, Permit, State, SystemClock, Tidegate};
use tokio::sync::{Notify, watch};
use tokio::time::timeout;

use super::load::{CircuitLoad, CircuitToll, Passage, Told};
use crate::failures::{Failures, add_failure};
use crate::words::word;

/// A load and what has become of it so far.
pub(crate) struct KeptCircuit {
    load: CircuitLoad,
    breaker: CircuitBreaker,
    toll: Mutex<(CircuitToll, Latest)>,
    news: Arc<Notify>,
}

/// The beginning of the latest question of each kind, by the machine's clock, in microseconds since
/// 1970.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Latest {
    pub(crate) served: u64,
    pub(crate) degraded: u64,
    /// By what the store says.
    pub(crate) shared: Turns,
    /// By what this host keeps without it.
    pub(crate) alone: Turns,
}

/// The beginning of the latest question that was answered by each state.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Turns {
    open_us: u64,
    closed_us: u64,
}

impl Turns {
    /// Whether the circuit was open and was closed since then.
    pub(crate) fn turned_since(self, since_us: u64) -> bool {
        self.open_us.min(self.closed_us) >= since_us
    }

    fn note(&mut self, state: State, start_us: u64) {
        match state {
            State::Open => self.open_us = self.open_us.max(start_us),
            State::Closed => self.closed_us = self.closed_us.max(start_us),
            State::HalfOpen => {}
        }
    }
}

/// An answer of the circuit, and when it was asked.
struct Answered {
    start_us: u64,
    end_us: u64,
    result: Result<CircuitReport, Error>,
}

impl KeptCircuit {
    pub(crate) fn new(gate: &Tidegate, load: CircuitLoad, news: Arc<Notify>) -> Result<Self> {
        let breaker = gate.circuit_breaker(load.breaker.clone())?.keyed(&load.key);
        Ok(Self { load, breaker, toll: Mutex::default(), news })
    }

    pub(crate) fn latest(&self) -> Latest {
        self.toll().1
    }

    pub(crate) fn has_failure(&self, is_it: impl Fn(&str, &Failures) -> bool) -> bool {
        self.toll().0.failures.iter().any(|(error, failures)| is_it(error, failures))
    }

    pub(crate) fn take(&self) -> CircuitToll {
        std::mem::take(&mut self.toll().0)
    }

    /// What to say where a test does not get what it waits for.
    pub(crate) fn state(&self) -> String {
        let (toll, latest) = &*self.toll();
        let (name, admitted) = (&self.load.breaker.name, toll.passages.len());
        format!("{name}: {latest:?}, {admitted} admitted, refused {:?}, {:?}", toll.refused, toll.failures)
    }

    fn toll(&self) -> MutexGuard<'_, (CircuitToll, Latest)> {
        // What a task that panicked has left is told all the same; its panic is told by `stop`.
        self.toll.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) async fn keep_up(self: Arc<Self>, mut stopped: watch::Receiver<bool>) {
        let pause = Duration::from_millis(self.load.pause_ms.max(1));
        while !*stopped.borrow() {
            let asked = self.timed(self.breaker.admit()).await;
            if let Some(permit) = self.note_asked(&asked) {
                let called = Instant::now();
                // A call that is under way when the load ends is ended at once, and its outcome
                // told.
                let _ = timeout(pause, stopped.changed()).await;
                let told = self.tell(permit, called.elapsed()).await;
                self.note_told(&asked, permit, &told);
            }
            let _ = timeout(pause, stopped.changed()).await;
        }
    }

    async fn tell(&self, permit: Permit, elapsed: Duration) -> Answered {
        let is_down = SystemClock.now_us() / (self.load.period_ms * 1_000) % 2 == 1;
        if is_down {
            self.timed(self.breaker.failed(permit, elapsed, Failure::default())).await
        } else {
            self.timed(self.breaker.succeeded(permit, elapsed)).await
        }
    }

    /// The answer, and how long it took.
    async fn timed(&self, answer: impl Future<Output = Result<CircuitReport, Error>>) -> Answered {
        let (started, start_us) = (Instant::now(), SystemClock.now_us());
        let result = answer.await;
        let took_us = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
        let answered = Answered { start_us, end_us: SystemClock.now_us(), result };
        let toll = &mut self.toll().0;
        toll.longest_us = toll.longest_us.max(took_us);
        if let Err(error) = &answered.result {
            add_failure(&mut toll.failures, &error.to_string(), 0, answered.end_us);
        }
        answered
    }

    /// The permit, where the call was admitted.
    fn note_asked(&self, asked: &Answered) -> Option<Permit> {
        let (toll, latest) = &mut *self.toll();
        let report = asked.result.as_ref().ok();
        if let Some(report) = report {
            let turns = if report.degraded { &mut latest.alone } else { &mut latest.shared };
            turns.note(report.state, asked.start_us);
            if report.degraded {
                latest.degraded = latest.degraded.max(asked.start_us);
            } else if report.is_admitted() {
                latest.served = latest.served.max(asked.start_us);
            }
            if report.permit.is_none() {
                *toll.refused.entry(word(&report.effect)).or_default() += 1;
                toll.refused_degraded += u64::from(report.degraded);
            }
        }
        self.news.notify_waiters();
        report.and_then(|report| report.permit)
    }

    fn note_told(&self, asked: &Answered, permit: Permit, answered: &Answered) {
        let told = answered.result.as_ref().ok().map(|report| Told {
            end_us: answered.end_us,
            effect: word(&report.effect),
            state: word(&report.state),
            cause: report.event.as_ref().map(|event| word(&event.cause)),
            generation: report.generation,
            degraded: report.degraded,
        });
        let Answered { start_us, end_us, .. } = *asked;
        let passage = Passage { start_us, end_us, permit, told, telling_us: answered.start_us };
        self.toll().0.passages.push(passage);
        self.news.notify_waiters();
    }
}
