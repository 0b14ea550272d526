//! Errors as the exceptions of `tidegate._errors`.

use pyo3::prelude::*;
use pyo3::types::{PyList, PyTuple};
use tidegate::Error;
use tidegate::store::redis::ConnectError;

use crate::decision::Decision;
use crate::report::CircuitReport;

/// The exception for an error.
pub(crate) fn raise(py: Python<'_>, error: Error) -> PyErr {
    let text = error.to_string();
    exception(match error {
        Error::Config { name, problems } => config(py, &name, problems),
        Error::Input { node, problems } => input(py, &node, problems),
        Error::CircuitOpen { circuit, report } => new(py, "CircuitOpenError", (circuit, CircuitReport(*report))),
        Error::Json { path, reason } => misread(py, &path, &reason),
        Error::CostNeverFits { limiter, cost, binding, limit, count, remaining } => {
            new(py, "CostNeverFitsError", (limiter, cost, binding, limit, count, remaining))
        }
        Error::Denied { limiter, decision } => new(py, "RateLimitError", (limiter, Decision(*decision))),
        Error::Store(error) => new(py, "StoreError", (text, error.reason())),
        Error::Overloaded { waiting, max_waiting } => new(py, "OverloadedError", (waiting, max_waiting)),
        Error::Contended { attempts } => new(py, "ContendedError", (attempts,)),
        Error::Load(_) => new(py, "LoadError", (text,)),
        Error::Run(_) => new(py, "PolicyError", (text,)),
        _ => new(py, "TidegateError", (text,)),
    })
}

/// The exception for a store that cannot be.
pub(crate) fn connect(py: Python<'_>, error: ConnectError) -> PyErr {
    raise(py, error.into())
}

/// The exception for a call that cannot work as it was put.
pub(crate) fn misuse(py: Python<'_>, reason: &str) -> PyErr {
    exception(new(py, "MisuseError", (reason,)))
}

/// The exception for what cannot be started.
pub(crate) fn load(py: Python<'_>, reason: &str) -> PyErr {
    exception(new(py, "LoadError", (reason,)))
}

fn config<'py>(py: Python<'py>, name: &str, problems: Vec<tidegate::Problem>) -> PyResult<Bound<'py, PyAny>> {
    new(py, "ConfigError", (list(py, problems)?, name))
}

fn input<'py>(py: Python<'py>, node: &str, problems: Vec<tidegate::Problem>) -> PyResult<Bound<'py, PyAny>> {
    new(py, "InputError", (list(py, problems)?, node))
}

fn list(py: Python<'_>, problems: Vec<tidegate::Problem>) -> PyResult<Bound<'_, PyList>> {
    let problem = |problem: tidegate::Problem| {
        let message = problem.to_string();
        new(py, "Problem", (problem.path, message, problem.value, problem.allowed))
    };
    PyList::new(py, problems.into_iter().map(problem).collect::<PyResult<Vec<_>>>()?)
}

fn misread<'py>(py: Python<'py>, path: &str, reason: &str) -> PyResult<Bound<'py, PyAny>> {
    let problem = new(py, "Problem", (path, format!("{path}: {reason}")))?;
    new(py, "ConfigError", (PyList::new(py, [problem])?,))
}

fn new<'py>(
    py: Python<'py>,
    class: &str,
    arguments: impl IntoPyObject<'py, Target = PyTuple, Output = Bound<'py, PyTuple>, Error = PyErr>,
) -> PyResult<Bound<'py, PyAny>> {
    py.import("tidegate._errors")?.getattr(class)?.call1(arguments.into_pyobject(py)?)
}

fn exception(made: PyResult<Bound<'_, PyAny>>) -> PyErr {
    made.map_or_else(|error| error, PyErr::from_value)
}
