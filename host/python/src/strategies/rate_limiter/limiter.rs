//! Rate limiters.

use std::future::Future;
use std::sync::Arc;

use pyo3::prelude::*;
use tidegate::settings::Spelling;
use tidegate::{Ask, Error, RateLimiterConfig, Ticket};
use tokio::runtime::Handle;

use super::decision::{self, Admission, Decision};
use super::decisions;
use crate::asked::{Cost, Key};
use crate::call::{self, Outcome};
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
        self.start(py, move |limiter| async move {
            let decision = limiter.try_acquire(ask(&key.0, cost.0, 0)).await?;
            Ok(Decided { given: Given { limiter, key: key.0, cost: cost.0 }, decision })
        })
    }

    fn start_try_acquire_many<'py>(&self, py: Python<'py>, asks: Vec<(Key, Cost)>) -> PyResult<Bound<'py, PyAny>> {
        let asks = plain(asks);
        self.start(py, move |limiter| async move {
            let decisions = limiter.try_acquire_many(all(&asks)).await;
            Ok(DecidedMany { limiter, asks, decisions })
        })
    }

    fn start_acquire<'py>(&self, py: Python<'py>, key: Key, cost: Cost, priority: i32) -> PyResult<Bound<'py, PyAny>> {
        self.start(py, move |limiter| async move {
            let admission = limiter.acquire(ask(&key.0, cost.0, priority)).await?;
            Ok(Admitted { given: Given { limiter, key: key.0, cost: cost.0 }, admission })
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
        self.start(py, move |limiter| async move {
            let decision = limiter.decide(ask(&key.0, cost.0, priority), ticket.map(Ticket)).await?;
            Ok(Decided { given: Given { limiter, key: key.0, cost: cost.0 }, decision })
        })
    }

    fn start_peek<'py>(&self, py: Python<'py>, key: Key, cost: Cost) -> PyResult<Bound<'py, PyAny>> {
        self.start(py, move |limiter| async move { limiter.peek(ask(&key.0, cost.0, 0)).await })
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
        self.start(py, move |limiter| async move { limiter.refund(ask(&key.0, cost.0, 0), &given).await })
    }

    fn start_charge<'py>(&self, py: Python<'py>, key: Key, cost: Cost) -> PyResult<Bound<'py, PyAny>> {
        self.start(py, move |limiter| async move { limiter.charge(&key.0, cost.0).await })
    }

    fn start_cancel<'py>(&self, py: Python<'py>, key: Key, ticket: u64) -> PyResult<Bound<'py, PyAny>> {
        self.start(py, move |limiter| async move { limiter.cancel(&key.0, Ticket(ticket)).await })
    }

    fn start_reset<'py>(&self, py: Python<'py>, key: Key) -> PyResult<Bound<'py, PyAny>> {
        self.start(py, move |limiter| async move { limiter.reset(&key.0).await })
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

    fn start<'py, F, O: Outcome>(
        &self,
        py: Python<'py>,
        work: impl FnOnce(tidegate::RateLimiter) -> F,
    ) -> PyResult<Bound<'py, PyAny>>
    where
        F: Future<Output = Result<O, Error>> + Send + 'static,
    {
        let Opened { limiter, runtime } = self.open_here(py)?;
        call::start(py, &self.gate.loops, &runtime, work(limiter))
    }
}

/// To whom a limiter gave permits or a place in the queue.
#[derive(Debug)]
struct Given {
    limiter: tidegate::RateLimiter,
    key: String,
    cost: u32,
}

impl Given {
    async fn take_back(self, decision: tidegate::Decision) {
        let Self { limiter, key, cost } = self;
        let _ = match decision.ticket {
            Some(ticket) => limiter.cancel(&key, ticket).await.map(drop),
            None => limiter.refund(Ask::of(&key).cost(cost), &decision).await.map(drop),
        };
    }
}

/// A decision that may have given permits or a place in the queue.
#[derive(Debug)]
struct Decided {
    given: Given,
    decision: tidegate::Decision,
}

impl Outcome for Decided {
    fn into_python(self, py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
        self.decision.into_python(py)
    }

    fn take_back(self) -> impl Future<Output = ()> + Send + 'static {
        self.given.take_back(self.decision)
    }
}

/// A decision that gives nothing.
impl Outcome for tidegate::Decision {
    fn into_python(self, py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
        Ok(Bound::new(py, Decision(self))?.into_any())
    }
}

/// Permits that were waited for.
#[derive(Debug)]
struct Admitted {
    given: Given,
    admission: tidegate::Admission,
}

impl Outcome for Admitted {
    fn into_python(self, py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
        Ok(Bound::new(py, Admission(self.admission))?.into_any())
    }

    fn take_back(self) -> impl Future<Output = ()> + Send + 'static {
        self.given.take_back(self.admission.decision)
    }
}

/// Decisions for several keys.
#[derive(Debug)]
struct DecidedMany {
    limiter: tidegate::RateLimiter,
    asks: Vec<(String, u32)>,
    decisions: Vec<Result<tidegate::Decision, Error>>,
}

impl Outcome for DecidedMany {
    fn into_python(self, py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
        Ok(decisions::all(py, self.decisions)?.into_pyobject(py)?.into_any())
    }

    async fn take_back(self) {
        let Self { limiter, asks, decisions } = self;
        let given = asks.into_iter().zip(decisions).filter_map(|(ask, decision)| Some((ask, decision.ok()?)));
        for ((key, cost), decision) in given.filter(|(_, decision)| decision.is_allowed()) {
            let _ = limiter.refund(Ask::of(&key).cost(cost), &decision).await;
        }
    }
}
