//! Who is told when a shared store goes away and comes back, and what a full memory store forgets.

use std::sync::mpsc::{self, Receiver};
use std::sync::{Mutex, PoisonError};

use pyo3::prelude::*;
use pyo3::types::PyDict;
use tidegate::{MemoryBuilder, StoreState};

use crate::data::{read, record, words};

/// A store went away, is tried again, or came back.
#[pyclass(frozen, eq, module = "tidegate")]
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct StoreChange(pub(crate) tidegate::StoreChange);

record!(StoreChange {
    shard: u32 = |it| it.shard;
    before: &'static str = |it| word(it.before);
    after: &'static str = |it| word(it.after);
    cause: String = |it| it.cause.clone();
} also {
    /// What `to_dict` was called on, in this process or another.
    #[staticmethod]
    fn from_dict(fields: &Bound<'_, PyAny>) -> PyResult<Self> {
        change(fields).map(Self)
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<(Bound<'py, PyAny>, (Bound<'py, PyDict>,))> {
        Ok((slf.getattr("from_dict")?, (slf.get().to_dict(slf.py())?,)))
    }
});

fn change(fields: &Bound<'_, PyAny>) -> PyResult<tidegate::StoreChange> {
    Ok(tidegate::StoreChange {
        shard: read(fields, "shard")?,
        before: state_of(&read::<String>(fields, "before")?)?,
        after: state_of(&read::<String>(fields, "after")?)?,
        cause: read(fields, "cause")?,
    })
}

words!(word, state_of, StoreState {
    Unknown = "unknown",
    Available = "available",
    Probing = "probing",
    Away = "away",
});

/// The changes of a gate in one process, for the one thread that tells of them.
#[pyclass(frozen, module = "tidegate._tidegate")]
#[derive(Debug)]
pub(crate) struct StoreChanges(Mutex<Receiver<tidegate::StoreChange>>);

#[pymethods]
impl StoreChanges {
    /// Waits for the next change; None: the gate is gone.
    fn next(&self, py: Python<'_>) -> Option<StoreChange> {
        py.detach(|| {
            let changes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            changes.recv().ok().map(StoreChange)
        })
    }
}

/// Lets a builder's gate tell a callable of Python's, in a thread of Python's: those of this module
/// never touch it.
pub(crate) fn listen(py: Python<'_>, builder: tidegate::Builder, listener: &Py<PyAny>) -> PyResult<tidegate::Builder> {
    let (told, changes) = mpsc::channel();
    let changes = StoreChanges(Mutex::new(changes));
    py.import("tidegate._store_changes")?.call_method1("watch", (changes, listener))?;
    // Nobody listens any more once the thread has ended.
    Ok(builder.on_store_change(move |change| drop(told.send(change))))
}

/// What is to be said in the log of Python's, for the one thread that says it.
#[pyclass(frozen, module = "tidegate._tidegate")]
#[derive(Debug)]
pub(crate) struct Warnings(Mutex<Receiver<String>>);

#[pymethods]
impl Warnings {
    /// Waits for the next; None: the gate is gone.
    fn next(&self, py: Python<'_>) -> Option<String> {
        py.detach(|| self.0.lock().unwrap_or_else(PoisonError::into_inner).recv().ok())
    }
}

/// Lets a builder's gate say in Python's log that a limiter is counted by other settings.
pub(crate) fn warn(py: Python<'_>, builder: tidegate::Builder) -> PyResult<tidegate::Builder> {
    let (told, warnings) = mpsc::channel();
    let warnings = Warnings(Mutex::new(warnings));
    py.import("tidegate._store_changes")?.call_method1("warn", (warnings,))?;
    Ok(builder.on_settings_differ(move |differ| drop(told.send(differ.to_string()))))
}

/// What a full memory store has forgotten so far.
#[pyclass(frozen, eq, module = "tidegate")]
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Forgotten(pub(crate) tidegate::Forgotten);

record!(Forgotten {
    entities: u64 = |it| it.entities;
    permits: u64 = |it| it.permits;
} also {});

/// What a memory store tells in one process, for the one thread that tells of it.
#[pyclass(frozen, module = "tidegate._tidegate")]
#[derive(Debug)]
pub(crate) struct ForgottenNews(Mutex<Receiver<tidegate::Forgotten>>);

#[pymethods]
impl ForgottenNews {
    /// Waits for the next news; None: the store is gone.
    fn next(&self, py: Python<'_>) -> Option<Forgotten> {
        py.detach(|| {
            let news = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            news.recv().ok().map(Forgotten)
        })
    }
}

/// Lets a memory store tell a callable of Python's, as [`listen`] does.
pub(crate) fn listen_to_forgotten(
    py: Python<'_>,
    builder: MemoryBuilder,
    listener: &Py<PyAny>,
) -> PyResult<MemoryBuilder> {
    let (told, news) = mpsc::channel();
    let news = ForgottenNews(Mutex::new(news));
    py.import("tidegate._store_changes")?.call_method1("watch", (news, listener))?;
    Ok(builder.on_forgotten(move |forgotten| {
        // Nobody listens any more once the thread has ended.
        told.send(forgotten).ok();
    }))
}
