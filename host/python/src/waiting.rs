//! Waits for an answer on a thread of Python's, and raises its error.

use std::future::Future;

use pyo3::prelude::*;
use tidegate::Error;
use tokio::runtime::Handle;

use crate::{errors, sleeper};

/// Waits for an answer.
pub(crate) fn wait<T: Send>(
    py: Python<'_>,
    runtime: &Handle,
    work: impl Future<Output = Result<T, Error>> + Send,
) -> PyResult<T> {
    sleeper::wait(py, runtime, work)?.map_err(|error| errors::raise(py, error))
}
