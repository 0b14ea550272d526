//! Several decisions at once.

use pyo3::prelude::*;
use tidegate::Error;

use super::decision::Decision;
use crate::errors;

/// Decisions, each as itself or as the error in its place.
pub(crate) fn all(py: Python<'_>, decisions: Vec<Result<tidegate::Decision, Error>>) -> PyResult<Vec<Py<PyAny>>> {
    let one = |decision| match decision {
        Ok(decision) => Ok(Bound::new(py, Decision(decision))?.into_any().unbind()),
        Err(error) => Ok(errors::raise(py, error).into_value(py).into_any()),
    };
    decisions.into_iter().map(one).collect()
}
