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

    /// Moves on by a `timedelta` or so many seconds, and wakes those whose time has come.
    fn advance(&self, py: Python<'_>, time: &Bound<'_, PyAny>) -> PyResult<()> {
        let time_us = u64::try_from(duration(time)?.as_micros()).unwrap_or(u64::MAX);
        self.set_us(py, self.now_us().saturating_add(time_us))
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

/// A `timedelta`, or a number of seconds.
fn duration(time: &Bound<'_, PyAny>) -> PyResult<Duration> {
    if let Ok(time) = time.extract::<f64>() {
        return Duration::try_from_secs_f64(time)
            .map_err(|error| PyValueError::new_err(format!("{time} seconds: {error}")));
    }
    match time.call_method0("total_seconds").and_then(|seconds| seconds.extract::<f64>()) {
        Ok(seconds) => Duration::try_from_secs_f64(seconds)
            .map_err(|error| PyValueError::new_err(format!("{seconds} seconds: {error}"))),
        Err(_) => Err(PyTypeError::new_err(format!("a time must be a timedelta or seconds, not {}", time.repr()?))),
    }
}
