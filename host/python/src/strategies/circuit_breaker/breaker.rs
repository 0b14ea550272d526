//! Circuit breakers.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use pyo3::prelude::*;
use tidegate::settings::Spelling;
use tidegate::{CircuitBreakerConfig, Error};
use tokio::runtime::Handle;

use super::failure::{Errors, failure_of};
use super::report::{CircuitReport, Permit, mode_of};
use crate::call::{self, Outcome};
use crate::errors;
use crate::process::PerProcess;
use crate::shared::Inner as Gate;
use crate::waiting::wait;

/// A circuit in one process.
#[derive(Debug, Clone)]
struct Opened {
    breaker: tidegate::CircuitBreaker,
    runtime: Handle,
}

/// A circuit behind both faces. What begins with `start` is for a running asyncio loop and gives
/// the answer or a `Pending`.
#[pyclass(frozen, module = "tidegate._tidegate")]
#[derive(Debug)]
pub(crate) struct CircuitBreaker {
    gate: Arc<Gate>,
    config: CircuitBreakerConfig,
    /// How its caller has written them.
    spelling: Spelling,
    key: String,
    opened: PerProcess<Opened>,
}

#[pymethods]
impl CircuitBreaker {
    #[getter]
    fn name(&self) -> &str {
        &self.config.name
    }

    #[getter]
    fn key(&self) -> &str {
        &self.key
    }

    /// The settings as JSON text.
    fn config_json(&self) -> String {
        serde_json::to_string(&self.config).expect("settings are plain data")
    }

    /// The circuit of the same settings for a key.
    fn keyed(&self, key: String) -> Self {
        let (gate, config, spelling) = (Arc::clone(&self.gate), self.config.clone(), self.spelling);
        Self { gate, config, spelling, key, opened: PerProcess::new() }
    }

    /// Settings that are allowed and rarely meant: their paths, each with the rest of a sentence.
    fn doubts(&self) -> Vec<(String, String)> {
        self.config.doubts(self.spelling)
    }

    fn admit(&self, py: Python<'_>) -> PyResult<CircuitReport> {
        let Opened { breaker, runtime } = self.open_here(py)?;
        wait(py, &runtime, breaker.admit()).map(CircuitReport)
    }

    fn succeeded(&self, py: Python<'_>, permit: &Permit, elapsed_ms: f64) -> PyResult<CircuitReport> {
        let Opened { breaker, runtime } = self.open_here(py)?;
        wait(py, &runtime, breaker.succeeded(permit.0, elapsed(elapsed_ms)?)).map(CircuitReport)
    }

    fn failed(&self, py: Python<'_>, permit: &Permit, elapsed_ms: f64, errors: Errors) -> PyResult<CircuitReport> {
        let Opened { breaker, runtime } = self.open_here(py)?;
        wait(py, &runtime, breaker.failed(permit.0, elapsed(elapsed_ms)?, failure_of(errors))).map(CircuitReport)
    }

    fn cancelled(&self, py: Python<'_>, permit: &Permit, elapsed_ms: f64) -> PyResult<CircuitReport> {
        let Opened { breaker, runtime } = self.open_here(py)?;
        wait(py, &runtime, breaker.cancelled(permit.0, elapsed(elapsed_ms)?)).map(CircuitReport)
    }

    fn status(&self, py: Python<'_>) -> PyResult<CircuitReport> {
        let Opened { breaker, runtime } = self.open_here(py)?;
        wait(py, &runtime, breaker.status()).map(CircuitReport)
    }

    fn set_mode(&self, py: Python<'_>, mode: &str) -> PyResult<CircuitReport> {
        let Opened { breaker, runtime } = self.open_here(py)?;
        wait(py, &runtime, breaker.set_mode(mode_of(mode)?)).map(CircuitReport)
    }

    fn reset(&self, py: Python<'_>) -> PyResult<CircuitReport> {
        let Opened { breaker, runtime } = self.open_here(py)?;
        wait(py, &runtime, breaker.reset()).map(CircuitReport)
    }

    fn start_admit<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.start(py, |breaker| async move {
            let report = breaker.admit().await?;
            Ok(Admitted { breaker, report })
        })
    }

    fn start_succeeded<'py>(&self, py: Python<'py>, permit: &Permit, elapsed_ms: f64) -> PyResult<Bound<'py, PyAny>> {
        let (permit, elapsed) = (permit.0, elapsed(elapsed_ms)?);
        self.start(py, move |breaker| async move { breaker.succeeded(permit, elapsed).await })
    }

    fn start_failed<'py>(
        &self,
        py: Python<'py>,
        permit: &Permit,
        elapsed_ms: f64,
        errors: Errors,
    ) -> PyResult<Bound<'py, PyAny>> {
        let (permit, elapsed, failure) = (permit.0, elapsed(elapsed_ms)?, failure_of(errors));
        self.start(py, move |breaker| async move { breaker.failed(permit, elapsed, failure).await })
    }

    fn start_cancelled<'py>(&self, py: Python<'py>, permit: &Permit, elapsed_ms: f64) -> PyResult<Bound<'py, PyAny>> {
        let (permit, elapsed) = (permit.0, elapsed(elapsed_ms)?);
        self.start(py, move |breaker| async move { breaker.cancelled(permit, elapsed).await })
    }

    fn start_status<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.start(py, |breaker| async move { breaker.status().await })
    }

    fn start_set_mode<'py>(&self, py: Python<'py>, mode: &str) -> PyResult<Bound<'py, PyAny>> {
        let mode = mode_of(mode)?;
        self.start(py, move |breaker| async move { breaker.set_mode(mode).await })
    }

    fn start_reset<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.start(py, |breaker| async move { breaker.reset().await })
    }

    /// Gives a permit back after a time, now or in the background: what a task does that is being
    /// cancelled and cannot wait.
    fn give_back(&self, py: Python<'_>, permit: &Permit, elapsed_ms: f64) -> PyResult<()> {
        let Opened { breaker, runtime } = self.open_here(py)?;
        let (permit, elapsed) = (permit.0, elapsed(elapsed_ms)?);
        // Nobody is left to hear of an error, and a permit that stays expires.
        drop(runtime.spawn(async move { breaker.cancelled(permit, elapsed).await }));
        Ok(())
    }
}

impl CircuitBreaker {
    pub(crate) fn open(py: Python<'_>, gate: Arc<Gate>, config: &str, spelling: Spelling) -> PyResult<Self> {
        let config = CircuitBreakerConfig::from_json_as(config, spelling).map_err(|error| errors::raise(py, error))?;
        let breaker = Self { gate, config, spelling, key: String::new(), opened: PerProcess::new() };
        breaker.open_here(py)?;
        Ok(breaker)
    }

    fn open_here(&self, py: Python<'_>) -> PyResult<Opened> {
        self.opened.get(py, || {
            let gate = self.gate.open(py)?;
            let breaker = gate.gate.circuit_breaker(self.config.clone());
            let breaker = breaker.map_err(|error| errors::raise(py, error.spelt(self.spelling)))?;
            let breaker = if self.key.is_empty() { breaker } else { breaker.keyed(&self.key) };
            Ok(Opened { breaker, runtime: gate.runtime })
        })
    }

    fn start<'py, F, O: Outcome>(
        &self,
        py: Python<'py>,
        work: impl FnOnce(tidegate::CircuitBreaker) -> F,
    ) -> PyResult<Bound<'py, PyAny>>
    where
        F: Future<Output = Result<O, Error>> + Send + 'static,
    {
        let Opened { breaker, runtime } = self.open_here(py)?;
        call::start(py, &self.gate.loops, &runtime, work(breaker))
    }
}

/// A time in milliseconds.
fn elapsed(ms: f64) -> PyResult<Duration> {
    Duration::try_from_secs_f64(ms / 1_000.0)
        .map_err(|error| pyo3::exceptions::PyValueError::new_err(format!("elapsed_ms is {ms}: {error}")))
}

/// An admission that may have given a permit.
#[derive(Debug)]
struct Admitted {
    breaker: tidegate::CircuitBreaker,
    report: tidegate::CircuitReport,
}

impl Outcome for Admitted {
    fn into_python(self, py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
        self.report.into_python(py)
    }

    async fn take_back(self) {
        if let Some(permit) = self.report.permit {
            let _ = self.breaker.cancelled(permit, Duration::ZERO).await;
        }
    }
}

/// A report that gives nothing.
impl Outcome for tidegate::CircuitReport {
    fn into_python(self, py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
        Ok(Bound::new(py, CircuitReport(self))?.into_any())
    }
}
