//! A gate: a store and a clock, and in each process what runs on them.

use std::sync::Arc;
use std::time::Duration;

use pyo3::prelude::*;
use tidegate::settings::Spelling;
use tidegate::{Clock, SystemClock};

use crate::bridge::Loops;
use crate::call;
use crate::clock::ManualClock;
use crate::opened_nodes::OpenedNodes;
use crate::process::PerProcess;
use crate::shared::{ClockOf, CodeCache, Inner, Opened, Options, Place};
use crate::stats::Stats;
use crate::strategies::circuit_breaker::{CircuitBreaker, CircuitBreakerNode};
use crate::strategies::rate_limiter::{RateLimiter, RateLimiterNode};
use crate::{away, errors, sleeper};

/// The gate behind both faces, that of threads and that of asyncio.
#[pyclass(frozen, module = "tidegate._tidegate")]
#[derive(Debug)]
pub(crate) struct Gate {
    inner: Arc<Inner>,
    limiter_nodes: OpenedNodes,
    breaker_nodes: OpenedNodes,
}

#[pymethods]
impl Gate {
    #[new]
    #[pyo3(signature = (
        store = None, clock = None, *, component_file = None, code_cache = None, max_known = None, max_batch = None,
        max_waiting = None, max_attempts = None, flush_delay_ms = None, max_staleness_ms = None, store_watch = None, on_store_change = None,
        require_shared = None
    ))]
    #[expect(clippy::too_many_arguments, reason = "they are keywords in Python")]
    fn new(
        py: Python<'_>,
        store: Option<Place>,
        clock: Option<Py<ManualClock>>,
        component_file: Option<String>,
        code_cache: Option<CodeCache>,
        max_known: Option<usize>,
        max_batch: Option<usize>,
        max_waiting: Option<usize>,
        max_attempts: Option<u32>,
        flush_delay_ms: Option<u64>,
        max_staleness_ms: Option<u64>,
        store_watch: Option<(u32, u64, u64)>,
        on_store_change: Option<Py<PyAny>>,
        require_shared: Option<bool>,
    ) -> PyResult<Self> {
        let options = Options {
            component_file,
            code_cache,
            max_known,
            max_batch,
            max_waiting,
            max_attempts,
            flush_delay_ms,
            max_staleness_ms,
            store_watch,
            on_store_change,
            require_shared,
        };
        let gate = Inner { place: store, clock, options, opened: PerProcess::new(), loops: Loops::new() };
        // What is wrong is to be known here, and a connection opens until it is needed.
        gate.open(py)?;
        let (limiter_nodes, breaker_nodes) = (OpenedNodes::new(py), OpenedNodes::new(py));
        Ok(Self { inner: Arc::new(gate), limiter_nodes, breaker_nodes })
    }

    /// A limiter by its settings in JSON, which were given as keywords or as a mapping.
    fn rate_limiter(&self, py: Python<'_>, config: &str, is_mapping: bool) -> PyResult<RateLimiter> {
        RateLimiter::open(py, Arc::clone(&self.inner), config, spelling(is_mapping))
    }

    /// A breaker by its settings in JSON, likewise.
    fn circuit_breaker(&self, py: Python<'_>, config: &str, is_mapping: bool) -> PyResult<CircuitBreaker> {
        CircuitBreaker::open(py, Arc::clone(&self.inner), config, spelling(is_mapping))
    }

    /// A rate limiter node by its configuration in JSON.
    fn rate_limiter_node<'py>(&self, py: Python<'py>, config: &str) -> PyResult<Bound<'py, RateLimiterNode>> {
        self.limiter_nodes
            .get(py, config, || Bound::new(py, RateLimiterNode::open(py, Arc::clone(&self.inner), config.to_owned())?))
    }

    /// A circuit breaker node by its configuration in JSON.
    fn circuit_breaker_node<'py>(&self, py: Python<'py>, config: &str) -> PyResult<Bound<'py, CircuitBreakerNode>> {
        self.breaker_nodes.get(py, config, || {
            Bound::new(py, CircuitBreakerNode::open(py, Arc::clone(&self.inner), config.to_owned())?)
        })
    }

    /// The registry of the nodes as JSON text.
    fn node_registry(&self, py: Python<'_>) -> PyResult<String> {
        self.inner.open(py)?.gate.node_registry().map_err(|error| errors::raise(py, error))
    }

    /// Microseconds since 1970 by the gate's clock.
    fn now_us(&self, py: Python<'_>) -> PyResult<u64> {
        Ok(match self.inner.open(py)?.clock {
            ClockOf::System => SystemClock.now_us(),
            ClockOf::Manual(clock) => clock.now_us(),
        })
    }

    fn stats(&self, py: Python<'_>) -> PyResult<Stats> {
        Ok(Stats(self.inner.open(py)?.gate.stats()))
    }

    /// Whether a shared store answers, as far as its watch knows.
    fn store_state(&self, py: Python<'_>) -> PyResult<&'static str> {
        Ok(away::word(self.inner.open(py)?.gate.store_state()))
    }

    fn ready(&self, py: Python<'_>, timeout_ms: u64) -> PyResult<()> {
        let opened = self.inner.open(py)?;
        let ready = opened.gate.ready(Duration::from_millis(timeout_ms));
        sleeper::wait(py, &opened.runtime, ready)?.map_err(|error| errors::raise(py, error))
    }

    fn start_ready<'py>(&self, py: Python<'py>, timeout_ms: u64) -> PyResult<Bound<'py, PyAny>> {
        let Opened { gate, runtime, .. } = self.inner.open(py)?;
        let work = async move { gate.ready(Duration::from_millis(timeout_ms)).await };
        call::start(py, &self.inner.loops, &runtime, work)
    }

    fn flush(&self, py: Python<'_>) -> PyResult<()> {
        let opened = self.inner.open(py)?;
        sleeper::wait(py, &opened.runtime, opened.gate.flush())
    }

    fn start_flush<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let Opened { gate, runtime, .. } = self.inner.open(py)?;
        let work = async move {
            gate.flush().await;
            Ok(())
        };
        call::start(py, &self.inner.loops, &runtime, work)
    }
}

fn spelling(is_mapping: bool) -> Spelling {
    if is_mapping { Spelling::PythonMapping } else { Spelling::Python }
}
