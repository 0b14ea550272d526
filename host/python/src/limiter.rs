//! Rate limiters.

use std::future::Future;
use std::sync::Arc;

use pyo3::prelude::*;
use tidegate::settings::Spelling;
use tidegate::{Ask, Error, RateLimiterConfig, Ticket};
use tokio::runtime::Handle;

use crate::asked::{Cost, Key};
use crate::call::{self, Outcome, Undo};
use crate::decision::{self, Admission, Decision};
use crate::decisions;
use crate::errors;
use crate::process::PerProcess;
use crate::shared::Inner as Gate;
use crate::waiting::wait;

/// A limiter in one process.
#[derive(Debug, Clone)]
struct Opened {
    limiter: tidegate::RateLimiter,
    runtime: Handle,
}

/// A limiter behind both faces. What begins with `start` is for a running asyncio loop and gives
/// the answer or a `Pending`.
#[pyclass(frozen, module = "tidegate._tidegate")]
#[derive(Debug)]
pub(crate) struct RateLimiter {
    gate: Arc<Gate>,
    config: RateLimiterConfig,
    /// How its caller has written them.
    spelling: Spelling,
    opened: PerProcess<Opened>,
}

/// What is asked for, to be carried along.
fn ask(key: &str, cost: u32, priority: i32) -> Ask<'_> {
    Ask::of(key).cost(cost).priority(priority)
}

fn plain(asks: Vec<(Key, Cost)>) -> Vec<(String, u32)> {
    asks.into_iter().map(|(key, cost)| (key.0, cost.0)).collect()
}

/// Several of them.
fn all(asks: &[(String, u32)]) -> impl Iterator<Item = Ask<'_>> {
    asks.iter().map(|(key, cost)| ask(key, *cost, 0))
}

#[pymethods]
impl RateLimiter {
    #[getter]
    fn name(&self) -> &str {
        &self.config.name
    }

    /// The settings as JSON text.
    fn config_json(&self) -> String {
        serde_json::to_string(&self.config).expect("settings are plain data")
    }

    fn try_acquire(&self, py: Python<'_>, key: Key, cost: Cost) -> PyResult<Decision> {
        let Opened { limiter, runtime } = self.open_here(py)?;
        wait(py, &runtime, limiter.try_acquire(ask(&key.0, cost.0, 0))).map(Decision)
    }

    fn try_acquire_many(&self, py: Python<'_>, asks: Vec<(Key, Cost)>) -> PyResult<Vec<Py<PyAny>>> {
        let asks = plain(asks);
        let Opened { limiter, runtime } = self.open_here(py)?;
        let decisions = wait(py, &runtime, async { Ok(limiter.try_acquire_many(all(&asks)).await) })?;
        decisions::all(py, decisions)
    }

    fn acquire(&self, py: Python<'_>, key: Key, cost: Cost, priority: i32) -> PyResult<Admission> {
        let Opened { limiter, runtime } = self.open_here(py)?;
        wait(py, &runtime, limiter.acquire(ask(&key.0, cost.0, priority))).map(Admission)
    }

    fn decide(&self, py: Python<'_>, key: Key, ticket: Option<u64>, cost: Cost, priority: i32) -> PyResult<Decision> {
        let Opened { limiter, runtime } = self.open_here(py)?;
        wait(py, &runtime, limiter.decide(ask(&key.0, cost.0, priority), ticket.map(Ticket))).map(Decision)
    }

    fn peek(&self, py: Python<'_>, key: Key, cost: Cost) -> PyResult<Decision> {
        let Opened { limiter, runtime } = self.open_here(py)?;
        wait(py, &runtime, limiter.peek(ask(&key.0, cost.0, 0))).map(Decision)
    }

    fn refund(
        &self,
        py: Python<'_>,
        key: Key,
        charged_at_us: Option<u64>,
        full_at_us: Option<u64>,
        degraded: bool,
        cost: Cost,
    ) -> PyResult<Decision> {
        let Opened { limiter, runtime } = self.open_here(py)?;
        let given = decision::given(charged_at_us, full_at_us, degraded);
        wait(py, &runtime, limiter.refund(ask(&key.0, cost.0, 0), &given)).map(Decision)
    }

    fn charge(&self, py: Python<'_>, key: Key, cost: Cost) -> PyResult<Decision> {
        let Opened { limiter, runtime } = self.open_here(py)?;
        wait(py, &runtime, limiter.charge(&key.0, cost.0)).map(Decision)
    }

    fn cancel(&self, py: Python<'_>, key: Key, ticket: u64) -> PyResult<bool> {
        let Opened { limiter, runtime } = self.open_here(py)?;
        wait(py, &runtime, limiter.cancel(&key.0, Ticket(ticket)))
    }

    fn reset(&self, py: Python<'_>, key: Key) -> PyResult<()> {
        let Opened { limiter, runtime } = self.open_here(py)?;
        wait(py, &runtime, limiter.reset(&key.0))
    }

    fn start_try_acquire<'py>(&self, py: Python<'py>, key: Key, cost: Cost) -> PyResult<Bound<'py, PyAny>> {
        let undo = self.undo(py, &key.0, cost.0)?;
        self.start(py, undo, move |limiter| async move {
            limiter.try_acquire(ask(&key.0, cost.0, 0)).await.map(Outcome::Decision)
        })
    }

    fn start_try_acquire_many<'py>(&self, py: Python<'py>, asks: Vec<(Key, Cost)>) -> PyResult<Bound<'py, PyAny>> {
        let asks = plain(asks);
        let undo = Undo::ManyPermits { limiter: self.open_here(py)?.limiter, asks: asks.clone() };
        self.start(py, undo, move |limiter| async move {
            Ok(Outcome::Decisions(limiter.try_acquire_many(all(&asks)).await))
        })
    }

    fn start_acquire<'py>(&self, py: Python<'py>, key: Key, cost: Cost, priority: i32) -> PyResult<Bound<'py, PyAny>> {
        let undo = self.undo(py, &key.0, cost.0)?;
        self.start(py, undo, move |limiter| async move {
            limiter.acquire(ask(&key.0, cost.0, priority)).await.map(Outcome::Admission)
        })
    }

    fn start_decide<'py>(
        &self,
        py: Python<'py>,
        key: Key,
        ticket: Option<u64>,
        cost: Cost,
        priority: i32,
    ) -> PyResult<Bound<'py, PyAny>> {
        let undo = self.undo(py, &key.0, cost.0)?;
        self.start(py, undo, move |limiter| async move {
            limiter.decide(ask(&key.0, cost.0, priority), ticket.map(Ticket)).await.map(Outcome::Decision)
        })
    }

    fn start_peek<'py>(&self, py: Python<'py>, key: Key, cost: Cost) -> PyResult<Bound<'py, PyAny>> {
        self.start(py, Undo::Nothing, move |limiter| async move {
            limiter.peek(ask(&key.0, cost.0, 0)).await.map(Outcome::Decision)
        })
    }

    fn start_refund<'py>(
        &self,
        py: Python<'py>,
        key: Key,
        charged_at_us: Option<u64>,
        full_at_us: Option<u64>,
        degraded: bool,
        cost: Cost,
    ) -> PyResult<Bound<'py, PyAny>> {
        let given = decision::given(charged_at_us, full_at_us, degraded);
        self.start(py, Undo::Nothing, move |limiter| async move {
            limiter.refund(ask(&key.0, cost.0, 0), &given).await.map(Outcome::Decision)
        })
    }

    fn start_charge<'py>(&self, py: Python<'py>, key: Key, cost: Cost) -> PyResult<Bound<'py, PyAny>> {
        self.start(py, Undo::Nothing, move |limiter| async move {
            limiter.charge(&key.0, cost.0).await.map(Outcome::Decision)
        })
    }

    fn start_cancel<'py>(&self, py: Python<'py>, key: Key, ticket: u64) -> PyResult<Bound<'py, PyAny>> {
        self.start(py, Undo::Nothing, move |limiter| async move {
            limiter.cancel(&key.0, Ticket(ticket)).await.map(Outcome::WasWaiting)
        })
    }

    fn start_reset<'py>(&self, py: Python<'py>, key: Key) -> PyResult<Bound<'py, PyAny>> {
        self.start(py, Undo::Nothing, move |limiter| async move { limiter.reset(&key.0).await.map(|()| Outcome::Done) })
    }
}

impl RateLimiter {
    pub(crate) fn open(py: Python<'_>, gate: Arc<Gate>, config: &str, spelling: Spelling) -> PyResult<Self> {
        let config = RateLimiterConfig::from_json_as(config, spelling).map_err(|error| errors::raise(py, error))?;
        let limiter = Self { gate, config, spelling, opened: PerProcess::new() };
        RateLimiter::open_here(&limiter, py)?;
        Ok(limiter)
    }

    fn open_here(&self, py: Python<'_>) -> PyResult<Opened> {
        self.opened.get(py, || {
            let gate = self.gate.open(py)?;
            let limiter = gate.gate.rate_limiter(self.config.clone());
            let limiter = limiter.map_err(|error| errors::raise(py, error.spelt(self.spelling)))?;
            Ok(Opened { limiter, runtime: gate.runtime })
        })
    }

    fn undo(&self, py: Python<'_>, key: &str, cost: u32) -> PyResult<Undo> {
        Ok(Undo::Permits { limiter: self.open_here(py)?.limiter, key: key.to_owned(), cost })
    }

    fn start<'py, F>(
        &self,
        py: Python<'py>,
        undo: Undo,
        work: impl FnOnce(tidegate::RateLimiter) -> F,
    ) -> PyResult<Bound<'py, PyAny>>
    where
        F: Future<Output = Result<Outcome, Error>> + Send + 'static,
    {
        let Opened { limiter, runtime } = self.open_here(py)?;
        call::start(py, &self.gate.loops, &runtime, undo, work(limiter))
    }
}
