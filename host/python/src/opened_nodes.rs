//! The nodes that a gate has opened, so that a configuration that comes with every call is checked
//! once.

use pyo3::PyClass;
use pyo3::prelude::*;
use pyo3::types::PyDict;

/// How many configurations are kept; beyond, the oldest goes.
const MAX_KEPT: usize = 256;

/// Opened nodes by the text of their configurations. Nodes hold no state, so it does not matter who
/// else has one.
#[derive(Debug)]
pub(crate) struct OpenedNodes(Py<PyDict>);

impl OpenedNodes {
    pub(crate) fn new(py: Python<'_>) -> Self {
        Self(PyDict::new(py).unbind())
    }

    pub(crate) fn get<'py, T: PyClass>(
        &self,
        py: Python<'py>,
        config: &str,
        open: impl FnOnce() -> PyResult<Bound<'py, T>>,
    ) -> PyResult<Bound<'py, T>> {
        let nodes = self.0.bind(py);
        if let Some(node) = nodes.get_item(config)? {
            return Ok(node.cast_into::<T>()?);
        }
        let node = open()?;
        if nodes.len() >= MAX_KEPT
            && let Some(oldest) = nodes.keys().iter().next()
        {
            // Another thread may have been here first.
            nodes.call_method1("pop", (oldest, py.None()))?;
        }
        nodes.set_item(config, &node)?;
        Ok(node)
    }
}
