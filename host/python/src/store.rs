//! Stores.

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};
use tidegate::WhenFull;
use tidegate::store::redis::RedisBuilder;

use crate::away::{self, Forgotten};
use crate::errors;
use crate::process::PerProcess;

/// Keeps state in this process.
#[pyclass(frozen, module = "tidegate")]
#[derive(Debug)]
pub(crate) struct Memory {
    capacity: usize,
    when_full: WhenFull,
    on_forgotten: Option<Py<PyAny>>,
    held: PerProcess<tidegate::Memory>,
}

#[pymethods]
impl Memory {
    #[new]
    #[pyo3(signature = (*, capacity = 1_000_000, when_full = "forget", on_forgotten = None))]
    fn new(py: Python<'_>, capacity: i64, when_full: &str, on_forgotten: Option<Py<PyAny>>) -> PyResult<Self> {
        let Some(capacity) = usize::try_from(capacity).ok().filter(|capacity| *capacity > 0) else {
            return Err(wrong(py, "capacity", capacity.to_string(), "a whole number from 1"));
        };
        let when_full = match when_full {
            "forget" => WhenFull::Forget,
            "refuse" => WhenFull::Refuse,
            other => return Err(wrong(py, "when_full", format!("{other:?}"), "\"forget\" or \"refuse\"")),
        };
        Ok(Self { capacity, when_full, on_forgotten, held: PerProcess::new() })
    }

    /// What it has forgotten so far in this process because it was full.
    fn forgotten(&self, py: Python<'_>) -> PyResult<Forgotten> {
        Ok(Forgotten(self.of_process(py)?.forgotten()))
    }

    #[expect(clippy::unused_self, reason = "Python calls it on one")]
    fn __repr__(&self) -> &'static str {
        "Memory()"
    }

    fn __copy__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }

    fn __deepcopy__<'py>(slf: PyRef<'py, Self>, _memo: &Bound<'py, PyAny>) -> PyRef<'py, Self> {
        slf
    }

    #[expect(clippy::unused_self, reason = "Python calls it on one")]
    fn __reduce__(&self) -> PyResult<()> {
        Err(PyTypeError::new_err("a Memory is the state of one process and cannot be pickled: processes share a Redis"))
    }
}

impl Memory {
    /// A forked child has one of its own, and empty.
    pub(crate) fn of_process(&self, py: Python<'_>) -> PyResult<tidegate::Memory> {
        self.held.get(py, || {
            let mut builder = tidegate::Memory::builder().capacity(self.capacity).when_full(self.when_full);
            if let Some(listener) = &self.on_forgotten {
                builder = away::listen_to_forgotten(py, builder, listener)?;
            }
            Ok(builder.build())
        })
    }
}

/// The exception for a setting of the memory store.
fn wrong(py: Python<'_>, path: &str, value: String, allowed: &str) -> PyErr {
    let problem = tidegate::Problem { path: path.to_owned(), value, allowed: allowed.to_owned() };
    errors::raise(py, tidegate::Error::Config { name: "the memory store".to_owned(), problems: vec![problem] })
}

/// Shares state through Redis or Valkey: the settings of connections, one for each gate.
#[pyclass(frozen, module = "tidegate")]
#[derive(Debug)]
pub(crate) struct Redis {
    builder: RedisBuilder,
    /// What it was made from, for the way to another process.
    url: String,
    options: Py<PyDict>,
}

#[pymethods]
impl Redis {
    #[new]
    #[pyo3(signature = (
        url, *, cluster = false, nodes = Vec::new(), sentinels = Vec::new(), prefix = "tidegate", client_name = "tidegate",
        timeout_ms = 250, connect_timeout_ms = 2_000, root_certificate = None, client_certificate = None
    ))]
    #[expect(clippy::too_many_arguments, clippy::needless_pass_by_value, reason = "they are keywords in Python")]
    fn new(
        py: Python<'_>,
        url: &str,
        cluster: bool,
        nodes: Vec<String>,
        sentinels: Vec<String>,
        prefix: &str,
        client_name: &str,
        timeout_ms: u64,
        connect_timeout_ms: u64,
        root_certificate: Option<Vec<u8>>,
        client_certificate: Option<(Vec<u8>, Vec<u8>)>,
    ) -> PyResult<Self> {
        let options = PyDict::new(py);
        options.set_item("cluster", cluster)?;
        options.set_item("nodes", &nodes)?;
        options.set_item("sentinels", &sentinels)?;
        options.set_item("prefix", prefix)?;
        options.set_item("client_name", client_name)?;
        options.set_item("timeout_ms", timeout_ms)?;
        options.set_item("connect_timeout_ms", connect_timeout_ms)?;
        options.set_item("root_certificate", root_certificate.as_deref().map(|pem| PyBytes::new(py, pem)))?;
        let pair = client_certificate.as_ref().map(|(it, key)| (PyBytes::new(py, it), PyBytes::new(py, key)));
        options.set_item("client_certificate", pair)?;
        let mut builder = tidegate::Redis::builder(url).prefix(prefix).timeout_ms(timeout_ms);
        builder = builder.connect_timeout_ms(connect_timeout_ms).client_name(client_name);
        if cluster {
            builder = builder.cluster();
        }
        builder = nodes.iter().fold(builder, |builder, node| builder.node(node));
        builder = sentinels.iter().fold(builder, |builder, sentinel| builder.sentinel(sentinel));
        if let Some(pem) = root_certificate {
            builder = builder.root_certificate(pem);
        }
        if let Some((certificate, key)) = client_certificate {
            builder = builder.client_certificate(certificate, key);
        }
        // Outside a runtime nothing is connected, and the settings are checked.
        builder.clone().connect_in_background().map_err(|error| errors::connect(py, error))?;
        Ok(Self { builder, url: url.to_owned(), options: options.unbind() })
    }

    /// It is made anew in another process, and connects there.
    fn __getnewargs_ex__<'py>(&self, py: Python<'py>) -> ((&str,), Bound<'py, PyDict>) {
        ((&self.url,), self.options.bind(py).clone())
    }

    fn __copy__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }

    fn __deepcopy__<'py>(slf: PyRef<'py, Self>, _memo: &Bound<'py, PyAny>) -> PyRef<'py, Self> {
        slf
    }

    /// Shows no URL: it may hold a password.
    #[expect(clippy::unused_self, reason = "Python calls it on one")]
    fn __repr__(&self) -> &'static str {
        "Redis(...)"
    }
}

impl Redis {
    /// A connection of its own, opened in the background.
    pub(crate) fn connect(&self, py: Python<'_>) -> PyResult<tidegate::Redis> {
        self.builder.clone().connect_in_background().map_err(|error| errors::connect(py, error))
    }
}
