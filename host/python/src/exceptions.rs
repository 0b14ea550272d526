//! The exceptions of the package, made of plain values.

use pyo3::prelude::*;
use pyo3::types::{PyList, PyTuple};

pub(crate) fn config<'py>(
    py: Python<'py>,
    name: &str,
    problems: Vec<tidegate::Problem>,
) -> PyResult<Bound<'py, PyAny>> {
    new(py, "ConfigError", (list(py, problems)?, name))
}

pub(crate) fn input<'py>(py: Python<'py>, node: &str, problems: Vec<tidegate::Problem>) -> PyResult<Bound<'py, PyAny>> {
    new(py, "InputError", (list(py, problems)?, node))
}

fn list(py: Python<'_>, problems: Vec<tidegate::Problem>) -> PyResult<Bound<'_, PyList>> {
    let problem = |problem: tidegate::Problem| {
        let message = problem.to_string();
        new(py, "Problem", (problem.path, message, problem.value, problem.allowed))
    };
    PyList::new(py, problems.into_iter().map(problem).collect::<PyResult<Vec<_>>>()?)
}

pub(crate) fn misread<'py>(py: Python<'py>, path: &str, reason: &str) -> PyResult<Bound<'py, PyAny>> {
    let problem = new(py, "Problem", (path, format!("{path}: {reason}")))?;
    new(py, "ConfigError", (PyList::new(py, [problem])?,))
}

pub(crate) fn new<'py>(
    py: Python<'py>,
    class: &str,
    arguments: impl IntoPyObject<'py, Target = PyTuple, Output = Bound<'py, PyTuple>, Error = PyErr>,
) -> PyResult<Bound<'py, PyAny>> {
    py.import("tidegate")?.getattr(class)?.call1(arguments.into_pyobject(py)?)
}

pub(crate) fn exception(made: PyResult<Bound<'_, PyAny>>) -> PyErr {
    made.map_or_else(|error| error, PyErr::from_value)
}
