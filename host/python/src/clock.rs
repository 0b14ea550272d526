//! Clocks.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use tidegate::Clock as _;

use crate::process::PerProcess;

/// A clock that stands still until it is told to move.
#[pyclass(frozen, module = "tidegate")]
#[derive(Debug)]
pub(crate) struct ManualClock {
    now_us: AtomicU64,
    current: PerProcess<tidegate::ManualClock>,
}

#[pymethods]
impl ManualClock {
    #[new]
    #[pyo3(signature = (now_us = None))]
    fn new(now_us: Option<u64>) -> Self {
        let now_us = now_us.unwrap_or_else(|| tidegate::ManualClock::new().now_us());
        Self { now_us: AtomicU64::new(now_us), current: PerProcess::new() }
    }

    /// Microseconds since 1970.
    #[getter]
    fn now_us(&self) -> u64 {
        self.now_us.load(Ordering::SeqCst)
    }

    /// Moves on by this many milliseconds, or a `timedelta`, and wakes those whose time has come.
    fn advance_ms(&self, py: Python<'_>, time_ms: &Bound<'_, PyAny>) -> PyResult<()> {
        let step_us = u64::try_from(duration(time_ms)?.as_micros()).unwrap_or(u64::MAX);
        self.set_us(py, self.now_us().saturating_add(step_us))
    }

    /// Jumps to a time, earlier or later.
    fn set_us(&self, py: Python<'_>, now_us: u64) -> PyResult<()> {
        let clock = self.of_process(py)?;
        self.now_us.store(now_us, Ordering::SeqCst);
        clock.set_us(now_us);
        Ok(())
    }

    #[expect(clippy::unused_self, reason = "Python calls it on one")]
    fn __reduce__(&self) -> PyResult<()> {
        Err(PyTypeError::new_err("a ManualClock is moved in one process and cannot be pickled"))
    }

    fn __repr__(&self) -> String {
        format!("ManualClock(now_us={})", self.now_us())
    }
}

impl ManualClock {
    pub(crate) fn of_process(&self, py: Python<'_>) -> PyResult<tidegate::ManualClock> {
        self.current.get(py, || Ok(tidegate::ManualClock::at_us(self.now_us())))
    }
}

/// Milliseconds, or a `timedelta`.
fn duration(time_ms: &Bound<'_, PyAny>) -> PyResult<Duration> {
    let given_ms = time_ms.extract::<f64>().or_else(|_| {
        let seconds = time_ms.call_method0("total_seconds").and_then(|seconds| seconds.extract::<f64>());
        seconds.map(|seconds| seconds * 1_000.0)
    });
    let value = || time_ms.repr().map_or_else(|_| "what it is".to_owned(), |text| text.to_string());
    let Ok(given_ms) = given_ms else {
        return Err(PyTypeError::new_err(format!("time_ms is {}, must be milliseconds or a timedelta", value())));
    };
    let time = Duration::try_from_secs_f64(given_ms / 1_000.0);
    time.map_err(|_| {
        PyValueError::new_err(format!("time_ms is {}, must be 0 or more: time goes on; set_us jumps", value()))
    })
}
