//! What the handles of a gate share: how it is opened, and what it is in one process.

use std::time::Duration;

use pyo3::prelude::*;
use tidegate::StoreWatch;
use tokio::runtime::Handle;

use crate::bridge::Loops;
use crate::clock::ManualClock;
use crate::process::{self, PerProcess};
use crate::store::{Memory, Redis};
use crate::testing::ScriptedStore;
use crate::{away, errors};

/// Where state lives.
#[derive(Debug, FromPyObject)]
pub(crate) enum Place {
    Memory(Py<Memory>),
    Redis(Py<Redis>),
    Scripted(Py<ScriptedStore>),
}

/// Where the code of a component of the user's own is kept.
#[derive(Debug, FromPyObject)]
pub(crate) enum CodeCache {
    Kept(bool),
    Folder(String),
}

/// How a gate works where it is not as usual.
#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) component_file: Option<String>,
    pub(crate) code_cache: Option<CodeCache>,
    pub(crate) max_known: Option<usize>,
    pub(crate) max_batch: Option<usize>,
    pub(crate) max_waiting: Option<usize>,
    pub(crate) max_attempts: Option<u32>,
    pub(crate) flush_delay_ms: Option<u64>,
    pub(crate) max_staleness_ms: Option<u64>,
    /// Failures, and milliseconds of the first pause and of the longest; `None`: no watch.
    pub(crate) store_watch: Option<(u32, u64, u64)>,
    pub(crate) on_store_change: Option<Py<PyAny>>,
    pub(crate) require_shared: Option<bool>,
}

/// What a gate is in one process.
#[derive(Debug, Clone)]
pub(crate) struct Opened {
    pub(crate) gate: tidegate::Tidegate,
    pub(crate) runtime: Handle,
    pub(crate) clock: ClockOf,
}

/// The clock of a gate.
#[derive(Debug, Clone)]
pub(crate) enum ClockOf {
    System,
    Manual(tidegate::ManualClock),
}

/// What the handles of a gate share.
#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) place: Option<Place>,
    pub(crate) clock: Option<Py<ManualClock>>,
    pub(crate) options: Options,
    pub(crate) opened: PerProcess<Opened>,
    pub(crate) loops: Loops,
}

impl Inner {
    /// This process's gate.
    pub(crate) fn open(&self, py: Python<'_>) -> PyResult<Opened> {
        self.opened.get(py, || self.make(py))
    }

    fn make(&self, py: Python<'_>) -> PyResult<Opened> {
        let runtime = process::runtime(py)?;
        let _entered = runtime.enter();
        let mut builder = self.options.set(tidegate::Tidegate::builder());
        if let Some(listener) = &self.options.on_store_change {
            builder = away::listen(py, builder, listener)?;
        }
        builder = match &self.place {
            None => builder,
            Some(Place::Memory(memory)) => builder.memory(memory.get().of_process(py)?),
            Some(Place::Redis(redis)) => away::warn(py, builder)?.store(redis.get().connect(py)?),
            Some(Place::Scripted(scripted)) => builder.store(scripted.get().store.clone()),
        };
        let mut clock = ClockOf::System;
        if let Some(manual) = &self.clock {
            let manual = manual.get().of_process(py)?;
            builder = builder.clock(manual.clone());
            clock = ClockOf::Manual(manual);
        }
        let gate = builder.build().map_err(|error| errors::raise(py, error))?;
        Ok(Opened { gate, runtime: runtime.clone(), clock })
    }
}

impl Options {
    fn set(&self, mut builder: tidegate::Builder) -> tidegate::Builder {
        builder = match self.store_watch {
            Some((failures, open_ms, cap_ms)) => builder.store_watch(StoreWatch { failures, open_ms, cap_ms }),
            None => builder.no_store_watch(),
        };

        if let Some(required) = self.require_shared {
            builder = builder.require_shared(required);
        }
        if let Some(path) = &self.component_file {
            builder = builder.component_file(path);
        }
        builder = match &self.code_cache {
            Some(CodeCache::Folder(path)) => builder.code_cache(path),
            Some(CodeCache::Kept(false)) => builder.no_code_cache(),
            Some(CodeCache::Kept(true)) | None => builder,
        };
        if let Some(entities) = self.max_known {
            builder = builder.max_known(entities);
        }
        if let Some(calls) = self.max_batch {
            builder = builder.max_batch(calls);
        }
        if let Some(calls) = self.max_waiting {
            builder = builder.max_waiting(calls);
        }
        if let Some(attempts) = self.max_attempts {
            builder = builder.max_attempts(attempts);
        }
        if let Some(delay_ms) = self.flush_delay_ms {
            builder = builder.flush_delay(Duration::from_millis(delay_ms));
        }
        if let Some(age_ms) = self.max_staleness_ms {
            builder = builder.max_staleness(Duration::from_millis(age_ms));
        }
        builder
    }
}
