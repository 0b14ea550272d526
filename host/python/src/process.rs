//! What belongs to one process, and is made anew in a forked child.
//!
//! A fork takes memory along and no thread but the one that forks: the child has no runtime, no
//! ticker and no connection of its own, and locks that other threads held stay locked for ever. So
//! nothing of the parent is used in a child, not even to drop it. The locks here are only taken by
//! threads that are attached to Python, as the one that forks is, so they are never held then.

use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use tokio::runtime::{Builder, Handle, Runtime};

use crate::errors;

/// How many forks lie between the process that loaded this module and this one.
static GENERATION: AtomicU64 = AtomicU64::new(0);

/// Threads that wait for Redis and for time. Two, so that one can decide while the other reads.
const WORKERS: usize = 2;

static RUNTIME: PerProcess<&'static Runtime> = PerProcess::new();

/// A value that is made where it is first needed in a process.
#[derive(Debug)]
pub(crate) struct PerProcess<T>(Mutex<Option<(u64, T)>>);

impl<T> PerProcess<T> {
    pub(crate) const fn new() -> Self {
        Self(Mutex::new(None))
    }
}

impl<T: Clone> PerProcess<T> {
    /// This process's value. `_py` shows that no fork can happen meanwhile.
    pub(crate) fn get(&self, _py: Python<'_>, make: impl FnOnce() -> PyResult<T>) -> PyResult<T> {
        let generation = GENERATION.load(Ordering::Relaxed);
        let mut slot = self.0.lock();
        if let Some((made_in, value)) = &*slot
            && *made_in == generation
        {
            return Ok(value.clone());
        }
        let value = make()?;
        if let Some(of_parent) = slot.replace((generation, value.clone())) {
            // To drop it could wait for threads or locks that this process does not have.
            std::mem::forget(of_parent);
        }
        Ok(value)
    }
}

/// The runtime of this process. It lives as long as the process.
pub(crate) fn runtime(py: Python<'_>) -> PyResult<Handle> {
    let make = || {
        let mut builder = Builder::new_multi_thread();
        let runtime = builder.worker_threads(WORKERS).thread_name("tidegate").enable_all().build();
        let runtime = runtime.map_err(|error| errors::load(py, &format!("no threads to wait with: {error}")))?;
        Ok(&*Box::leak(Box::new(runtime)))
    };
    RUNTIME.get(py, make).map(|runtime| runtime.handle().clone())
}

/// Has each child of a fork count itself.
pub(crate) fn watch_forks(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let py = module.py();
    let os = py.import("os")?;
    // Not there where processes do not fork.
    let Ok(register) = os.getattr("register_at_fork") else { return Ok(()) };
    let hooks = PyDict::new(py);
    hooks.set_item("after_in_child", pyo3::wrap_pyfunction!(after_fork, module)?)?;
    register.call((), Some(&hooks)).map(drop)
}

/// Called by Python in the child.
#[pyfunction]
fn after_fork() {
    GENERATION.fetch_add(1, Ordering::Relaxed);
}
