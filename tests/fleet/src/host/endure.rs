//! Keeping up loads in the background.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use tidegate::{Clock as _, Stats, SystemClock, Tidegate};
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::endurance::{Endured, Loads, Signal, Watch};
use crate::failures::Failures;
use crate::protocol::Said;
use crate::strategies::circuit_breaker::kept::KeptCircuit;
use crate::strategies::circuit_breaker::load::CircuitLoad;
use crate::strategies::rate_limiter::journal::Journal;
use crate::strategies::rate_limiter::kept::Kept;
use crate::strategies::rate_limiter::load::Load;

/// More than anything takes that comes: only what never comes meets it.
const PATIENCE: Duration = Duration::from_mins(1);

/// The loads under way.
#[derive(Default)]
pub(super) struct Endurance {
    limiters: Vec<Arc<Kept>>,
    circuits: Vec<Arc<KeptCircuit>>,
    tasks: JoinSet<()>,
    stopped: watch::Sender<bool>,
    /// A call has ended.
    news: Arc<Notify>,
    journal: Option<Arc<Journal>>,
}

impl Endurance {
    pub(super) fn new(journal: Option<&Path>) -> Result<Self> {
        let journal = journal.map(Journal::begin).transpose()?.map(Arc::new);
        Ok(Self { journal, ..Self::default() })
    }

    pub(super) fn begin(&mut self, gate: &Tidegate, loads: Loads) -> Result<Said> {
        loads.limiters.into_iter().try_for_each(|load| self.begin_limiter(gate, load))?;
        loads.circuits.into_iter().try_for_each(|load| self.begin_circuit(gate, load))?;
        Ok(Said::Begun)
    }

    fn begin_limiter(&mut self, gate: &Tidegate, load: Load) -> Result<()> {
        let journal = self.journal.clone().map(|journal| (journal, self.limiters.len()));
        let kept = Arc::new(Kept::new(gate, load, Arc::clone(&self.news), journal)?);
        for cost in kept.costs() {
            self.tasks.spawn(Arc::clone(&kept).keep_up(cost, self.stopped.subscribe()));
        }
        self.limiters.push(kept);
        Ok(())
    }

    fn begin_circuit(&mut self, gate: &Tidegate, load: CircuitLoad) -> Result<()> {
        let tasks = load.tasks;
        let kept = Arc::new(KeptCircuit::new(gate, load, Arc::clone(&self.news))?);
        for _ in 0..tasks {
            self.tasks.spawn(Arc::clone(&kept).keep_up(self.stopped.subscribe()));
        }
        self.circuits.push(kept);
        Ok(())
    }

    pub(super) async fn watch(&self, watch: &Watch) -> Result<Said> {
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
            Ok(()) => Ok(Said::Seen),
            Err(_) => bail!("{watch:?} does not come: {}", self.state()),
        }
    }

    pub(super) async fn stop(&mut self, gate: &Tidegate) -> Result<Endured> {
        self.stopped.send_replace(true);
        let ending = async {
            while self.tasks.join_next().await.transpose()?.is_some() {}
            // What was let go without the store is charged before anybody looks, and what is left
            // of leases given back.
            gate.flush().await;
            anyhow::Ok(())
        };
        timeout(PATIENCE, ending).await.with_context(|| format!("calls hang: {}", self.state()))??;
        self.stopped.send_replace(false);
        let tolls = self.limiters.drain(..).map(|kept| kept.take()).collect();
        let circuits = self.circuits.drain(..).map(|kept| kept.take()).collect();
        let Stats { diverged, foreign, lost, .. } = gate.stats();
        Ok(Endured { tolls, circuits, diverged, foreign, lost })
    }

    fn shows(&self, watch: &Watch) -> bool {
        let since_us = watch.since_us;
        let (limiters, circuits) = (&self.limiters, &self.circuits);
        match &watch.signal {
            Signal::Served => {
                limiters.iter().all(|kept| kept.latest().served >= since_us)
                    && circuits.iter().all(|kept| kept.latest().served >= since_us)
            }
            Signal::ServedAmong(loads) => {
                loads.iter().all(|load| limiters.get(*load).is_some_and(|kept| kept.latest().served >= since_us))
            }
            Signal::Leased => limiters.iter().any(|kept| kept.latest().leased >= since_us),
            Signal::Degraded => {
                limiters.iter().all(|kept| kept.latest().degraded >= since_us)
                    && circuits.iter().all(|kept| kept.latest().degraded >= since_us)
            }
            Signal::Turned => circuits.iter().all(|kept| kept.latest().shared.turned_since(since_us)),
            Signal::TurnedAlone => circuits.iter().all(|kept| kept.latest().alone.turned_since(since_us)),
            Signal::Failed(text) => {
                let is_it = |error: &str, failures: &Failures| failures.last_us >= since_us && error.contains(text);
                limiters.iter().any(|kept| kept.has_failure(is_it))
                    || circuits.iter().any(|kept| kept.has_failure(is_it))
            }
        }
    }

    /// What to say where a test does not get what it waits for.
    fn state(&self) -> String {
        let limiters = self.limiters.iter().map(|kept| kept.state());
        let all: Vec<String> = limiters.chain(self.circuits.iter().map(|kept| kept.state())).collect();
        format!("now {}; {}", SystemClock.now_us(), all.join("; "))
    }
}
