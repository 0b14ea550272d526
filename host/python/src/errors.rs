//! Errors as the exceptions of the package.

use pyo3::prelude::*;
use tidegate::Error;
use tidegate::store::redis::ConnectError;

use crate::exceptions::{config, exception, input, misread, new};
use crate::strategies::circuit_breaker::report::CircuitReport;
use crate::strategies::rate_limiter::decision::Decision;

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
