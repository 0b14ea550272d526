//! The rate limiter node.

use std::future::Future;
use std::sync::Arc;

use pyo3::prelude::*;
use tidegate::Error;
use tidegate::nodes::NodeStep;
use tokio::runtime::Handle;

use crate::call::{self, Outcome};
use crate::data::ms;
use crate::errors;
use crate::process::PerProcess;
use crate::shared::Inner as Gate;
use crate::waiting::wait;

/// A node in one process.
#[derive(Debug, Clone)]
struct Opened {
    node: tidegate::nodes::RateLimiterNode,
    runtime: Handle,
}

/// A rate limiter node behind both faces. What begins with `start` is for a running asyncio loop
/// and gives the answer or a `Pending`.
#[pyclass(frozen, module = "tidegate._tidegate")]
#[derive(Debug)]
pub(crate) struct RateLimiterNode {
    gate: Arc<Gate>,
    config: String,
    opened: PerProcess<Opened>,
}

/// A step as Python sees it: whether it is the end, after how many milliseconds to come back, the
/// token, and at the end the result as JSON text.
type StepParts = (bool, u64, Option<String>, Option<String>);

fn step_parts(step: NodeStep) -> StepParts {
    match step {
        NodeStep::Wait { wait, token } => (false, ms(wait), Some(token), None),
        NodeStep::Done(passage) => (true, 0, passage.token, Some(passage.json)),
    }
}

#[pymethods]
impl RateLimiterNode {
    fn reads(&self, py: Python<'_>) -> PyResult<Vec<String>> {
        Ok(self.open_here(py)?.node.reads().to_vec())
    }

    fn output_variable(&self, py: Python<'_>) -> PyResult<Option<String>> {
        Ok(self.open_here(py)?.node.output_variable().map(str::to_owned))
    }

    /// The name, the key and the priority.
    fn subject(&self, py: Python<'_>, context: &str) -> PyResult<(String, String, i32)> {
        let subject = self.open_here(py)?.node.subject(context).map_err(|error| errors::raise(py, error))?;
        Ok((subject.name, subject.key, subject.priority))
    }

    /// The text of the context with the result in it.
    fn output(&self, py: Python<'_>, context: &str, result: &str) -> PyResult<String> {
        let node = self.open_here(py)?.node;
        py.detach(|| node.output(context, result)).map_err(|error| errors::raise(py, error))
    }

    fn execute(&self, py: Python<'_>, context: &str) -> PyResult<StepParts> {
        let Opened { node, runtime } = self.open_here(py)?;
        wait(py, &runtime, node.execute(context)).map(|passage| step_parts(NodeStep::Done(passage)))
    }

    /// One step; without a token the first.
    fn step(&self, py: Python<'_>, context: &str, token: Option<&str>) -> PyResult<StepParts> {
        let Opened { node, runtime } = self.open_here(py)?;
        wait(py, &runtime, take_step(&node, context, token)).map(step_parts)
    }

    fn abandon(&self, py: Python<'_>, context: &str, token: &str) -> PyResult<bool> {
        let Opened { node, runtime } = self.open_here(py)?;
        wait(py, &runtime, node.abandon(context, token))
    }

    fn start_execute<'py>(&self, py: Python<'py>, context: String) -> PyResult<Bound<'py, PyAny>> {
        self.start(py, move |node| async move {
            let step = node.execute(&context).await.map(NodeStep::Done)?;
            Ok(Stepped { node, context, step })
        })
    }

    fn start_step<'py>(&self, py: Python<'py>, context: String, token: Option<String>) -> PyResult<Bound<'py, PyAny>> {
        self.start(py, move |node| async move {
            let step = take_step(&node, &context, token.as_deref()).await?;
            Ok(Stepped { node, context, step })
        })
    }

    fn start_abandon<'py>(&self, py: Python<'py>, context: String, token: String) -> PyResult<Bound<'py, PyAny>> {
        self.start(py, move |node| async move { node.abandon(&context, &token).await })
    }
}

impl RateLimiterNode {
    pub(crate) fn open(py: Python<'_>, gate: Arc<Gate>, config: String) -> PyResult<Self> {
        let node = Self { gate, config, opened: PerProcess::new() };
        node.open_here(py)?;
        Ok(node)
    }

    fn open_here(&self, py: Python<'_>) -> PyResult<Opened> {
        self.opened.get(py, || {
            let gate = self.gate.open(py)?;
            let node = gate.gate.rate_limiter_node(&self.config).map_err(|error| errors::raise(py, error))?;
            Ok(Opened { node, runtime: gate.runtime })
        })
    }

    fn start<'py, F, O: Outcome>(
        &self,
        py: Python<'py>,
        work: impl FnOnce(tidegate::nodes::RateLimiterNode) -> F,
    ) -> PyResult<Bound<'py, PyAny>>
    where
        F: Future<Output = Result<O, Error>> + Send + 'static,
    {
        let Opened { node, runtime } = self.open_here(py)?;
        call::start(py, &self.gate.loops, &runtime, work(node))
    }
}

async fn take_step(
    node: &tidegate::nodes::RateLimiterNode,
    context: &str,
    token: Option<&str>,
) -> Result<NodeStep, Error> {
    match token {
        None => node.begin(context).await,
        Some(token) => node.step(context, token).await,
    }
}

/// A step that may have given a permit or a place.
#[derive(Debug)]
struct Stepped {
    node: tidegate::nodes::RateLimiterNode,
    context: String,
    step: NodeStep,
}

impl Outcome for Stepped {
    fn into_python(self, py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
        Ok(step_parts(self.step).into_pyobject(py)?.into_any())
    }

    async fn take_back(self) {
        let Self { node, context, step } = self;
        let token = match step {
            NodeStep::Wait { token, .. } => Some(token),
            NodeStep::Done(passage) => passage.token,
        };
        if let Some(token) = token {
            let _ = node.abandon(&context, &token).await;
        }
    }
}
