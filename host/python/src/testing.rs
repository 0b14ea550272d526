//! A store that answers by script, for tests of what runs on a store.

use std::sync::Arc;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use serde_json::Value;
use tidegate::key::EntityKey;
use tidegate::store::scripted::{self, Event};
use tidegate::store::{MemoryStore, StoreError};

use crate::clock::ManualClock;
use crate::process;
use crate::store::Memory;

/// A memory behind the commit protocol, whose next answers are laid down, and which keeps what it
/// was sent.
#[pyclass(frozen, module = "tidegate.testing")]
#[derive(Debug)]
pub(crate) struct ScriptedStore {
    pub(crate) store: scripted::Scripted,
    /// The way in for other hosts, which are not in the script.
    direct: MemoryStore,
    clock: tidegate::ManualClock,
}

#[pymethods]
impl ScriptedStore {
    #[new]
    #[pyo3(signature = (memory, clock, script = "[]"))]
    fn new(py: Python<'_>, memory: &Memory, clock: &ManualClock, script: &str) -> PyResult<Self> {
        let (memory, clock) = (memory.of_process(py)?, clock.of_process(py)?);
        let script: Vec<Value> = serde_json::from_str(script).map_err(|error| wrong(&error))?;
        let script = script.iter().map(event).collect::<PyResult<_>>()?;
        let direct = MemoryStore::new(memory.clone(), Arc::new(clock.clone()));
        let store = scripted::Scripted::new(memory, Arc::new(clock.clone()), script);
        Ok(Self { store, direct, clock })
    }

    /// The commits since this was last asked, each as JSON text.
    fn take_commits(&self) -> Vec<String> {
        self.store.take_commits().iter().map(|commit| scripted::canonical(commit).to_string()).collect()
    }

    /// Writes a cell of an entity as another host would; None deletes it.
    fn write(
        &self,
        py: Python<'_>,
        entity: (String, String, String),
        cell: &str,
        text: Option<&str>,
        ttl_ms: u64,
    ) -> PyResult<()> {
        use tidegate::Clock as _;
        let entity = Arc::new(EntityKey::new(&entity.0, &entity.1, &entity.2));
        let (field, value) = (field(cell)?, text.map(Arc::from));
        let write = scripted::write(&self.direct, self.clock.now_us(), &entity, field, value, ttl_ms);
        process::runtime(py)?.block_on(write).map_err(|error: StoreError| wrong(&error))
    }
}

/// `{"before": [{"cell", "text", "ttlMs"}]}`, `{"refuse": [text]}`, `{"untimely": {"aheadUs"}}`,
/// `{"away": reason}`, or `{}`.
fn event(answer: &Value) -> PyResult<Event> {
    let text = |value: &Value| value.as_str().map(Arc::from);
    if let Some(reason) = answer["away"].as_str() {
        return Ok(Event::Away(reason.to_owned()));
    }
    if let Some(ahead_us) = answer["untimely"]["aheadUs"].as_u64() {
        return Ok(Event::Untimely(ahead_us));
    }
    if let Some(values) = answer["refuse"].as_array() {
        return Ok(Event::Refuse(values.iter().map(text).collect()));
    }
    let cell = |cell: &Value| {
        let name = cell["cell"].as_str().unwrap_or_default();
        Ok((field(name)?, text(&cell["text"]), cell["ttlMs"].as_u64().unwrap_or_default()))
    };
    let before = answer["before"].as_array().map(Vec::as_slice).unwrap_or_default();
    Ok(Event::Before(before.iter().map(cell).collect::<PyResult<_>>()?))
}

fn field(cell: &str) -> PyResult<u32> {
    scripted::field_of(cell).ok_or_else(|| PyValueError::new_err(format!("{cell:?} names no cell")))
}

fn wrong(error: &dyn std::fmt::Display) -> PyErr {
    PyValueError::new_err(error.to_string())
}
