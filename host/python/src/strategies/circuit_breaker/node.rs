//! The circuit breaker node.

use std::future::Future;
use std::sync::Arc;

use pyo3::prelude::*;
use tidegate::Error;
use tidegate::nodes::{CircuitPassage, FallbackAction};
use tokio::runtime::Handle;

use super::failure::{Errors, failure_of};
use super::report::CircuitReport;
use crate::call::{self, Outcome};
use crate::errors;
use crate::process::PerProcess;
use crate::shared::Inner as Gate;
use crate::waiting::wait;

/// A node in one process.
#[derive(Debug, Clone)]
struct Opened {
    node: tidegate::nodes::CircuitBreakerNode,
    runtime: Handle,
}

/// A circuit breaker node behind both faces. What begins with `start` is for a running asyncio loop
/// and gives the answer or a `Pending`.
#[pyclass(frozen, module = "tidegate._tidegate")]
#[derive(Debug)]
pub(crate) struct CircuitBreakerNode {
    gate: Arc<Gate>,
    config: String,
    opened: PerProcess<Opened>,
}

/// A passage as Python sees it: the result as JSON text, the token, and the circuit.
type PassageParts = (String, Option<String>, CircuitReport);

fn passage_parts(passage: CircuitPassage) -> PassageParts {
    (passage.json, passage.token, CircuitReport(passage.report))
}

#[pymethods]
impl CircuitBreakerNode {
    fn circuit_id(&self, py: Python<'_>) -> PyResult<String> {
        Ok(self.open_here(py)?.node.circuit_id().to_owned())
    }

    fn fallback_action(&self, py: Python<'_>) -> PyResult<&'static str> {
        Ok(match self.open_here(py)?.node.fallback_action() {
            FallbackAction::Error => "error",
            FallbackAction::Default => "default",
            FallbackAction::Skip => "skip",
        })
    }

    /// The value as JSON text.
    fn fallback_value(&self, py: Python<'_>) -> PyResult<Option<String>> {
        Ok(self.open_here(py)?.node.fallback_value().map(str::to_owned))
    }

    fn output_variable(&self, py: Python<'_>) -> PyResult<Option<String>> {
        Ok(self.open_here(py)?.node.output_variable().map(str::to_owned))
    }

    /// The text of the context with the result in it.
    fn output(&self, py: Python<'_>, context: &str, result: &str) -> PyResult<String> {
        let node = self.open_here(py)?.node;
        py.detach(|| node.output(context, result)).map_err(|error| errors::raise(py, error))
    }

    fn admit(&self, py: Python<'_>) -> PyResult<PassageParts> {
        let Opened { node, runtime } = self.open_here(py)?;
        wait(py, &runtime, node.admit()).map(passage_parts)
    }

    fn succeeded(&self, py: Python<'_>, token: Option<&str>) -> PyResult<PassageParts> {
        let Opened { node, runtime } = self.open_here(py)?;
        wait(py, &runtime, node.succeeded(token)).map(passage_parts)
    }

    fn failed(&self, py: Python<'_>, token: Option<&str>, errors: Errors) -> PyResult<PassageParts> {
        let Opened { node, runtime } = self.open_here(py)?;
        wait(py, &runtime, node.failed(token, failure_of(errors))).map(passage_parts)
    }

    fn cancelled(&self, py: Python<'_>, token: Option<&str>) -> PyResult<PassageParts> {
        let Opened { node, runtime } = self.open_here(py)?;
        wait(py, &runtime, node.cancelled(token)).map(passage_parts)
    }

    fn status(&self, py: Python<'_>) -> PyResult<PassageParts> {
        let Opened { node, runtime } = self.open_here(py)?;
        wait(py, &runtime, node.status()).map(passage_parts)
    }

    fn start_admit<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.start(py, |node| async move {
            let passage = node.admit().await?;
            Ok(Admitted { node, passage })
        })
    }

    fn start_succeeded<'py>(&self, py: Python<'py>, token: Option<String>) -> PyResult<Bound<'py, PyAny>> {
        self.start(py, move |node| async move { node.succeeded(token.as_deref()).await })
    }

    fn start_failed<'py>(&self, py: Python<'py>, token: Option<String>, errors: Errors) -> PyResult<Bound<'py, PyAny>> {
        let failure = failure_of(errors);
        self.start(py, move |node| async move { node.failed(token.as_deref(), failure).await })
    }

    fn start_cancelled<'py>(&self, py: Python<'py>, token: Option<String>) -> PyResult<Bound<'py, PyAny>> {
        self.start(py, move |node| async move { node.cancelled(token.as_deref()).await })
    }

    fn start_status<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.start(py, |node| async move { node.status().await })
    }

    /// Gives an admission back, now or in the background: what a task does that is being cancelled
    /// and cannot wait.
    fn give_back(&self, py: Python<'_>, token: String) -> PyResult<()> {
        let Opened { node, runtime } = self.open_here(py)?;
        // Nobody is left to hear of an error, and a probe that stays expires.
        drop(runtime.spawn(async move { node.cancelled(Some(&token)).await }));
        Ok(())
    }
}

impl CircuitBreakerNode {
    pub(crate) fn open(py: Python<'_>, gate: Arc<Gate>, config: String) -> PyResult<Self> {
        let node = Self { gate, config, opened: PerProcess::new() };
        node.open_here(py)?;
        Ok(node)
    }

    fn open_here(&self, py: Python<'_>) -> PyResult<Opened> {
        self.opened.get(py, || {
            let gate = self.gate.open(py)?;
            let node = gate.gate.circuit_breaker_node(&self.config).map_err(|error| errors::raise(py, error))?;
            Ok(Opened { node, runtime: gate.runtime })
        })
    }

    fn start<'py, F, O: Outcome>(
        &self,
        py: Python<'py>,
        work: impl FnOnce(tidegate::nodes::CircuitBreakerNode) -> F,
    ) -> PyResult<Bound<'py, PyAny>>
    where
        F: Future<Output = Result<O, Error>> + Send + 'static,
    {
        let Opened { node, runtime } = self.open_here(py)?;
        call::start(py, &self.gate.loops, &runtime, work(node))
    }
}

/// An admission that may have given a permit, as a token.
#[derive(Debug)]
struct Admitted {
    node: tidegate::nodes::CircuitBreakerNode,
    passage: CircuitPassage,
}

impl Outcome for Admitted {
    fn into_python(self, py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
        self.passage.into_python(py)
    }

    async fn take_back(self) {
        if let Some(token) = self.passage.token {
            let _ = self.node.cancelled(Some(&token)).await;
        }
    }
}

/// A passage that gives nothing.
impl Outcome for CircuitPassage {
    fn into_python(self, py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
        Ok(passage_parts(self).into_pyobject(py)?.into_any())
    }
}
