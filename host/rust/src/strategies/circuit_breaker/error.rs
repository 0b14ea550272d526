//! Why a guarded call gave no result.

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use super::report::CircuitReport;
use super::telling::OwnError;
use crate::error::Error;

/// Why a guarded call gave no result.
#[derive(Debug, Clone)]
pub enum CallError<E> {
    /// The circuit refused it: it failed fast.
    Refused {
        /// The circuit's name.
        circuit: String,
        /// The circuit.
        report: Box<CircuitReport>,
    },
    /// The call itself failed.
    Failed(E),
    /// It took longer than its own time limit, and was dropped.
    TimedOut {
        /// How long it might take.
        timeout: Duration,
    },
    /// There is no answer from the circuit.
    Gate(Error),
}

impl<E> CallError<E> {
    /// After what time a call may be admitted: where the circuit refused it and knows, or a rate
    /// limiter denied it. `None` of all else, such as the operation's own error.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refused { report, .. } => report.known_retry_after(),
            Self::Gate(error) => error.retry_after(),
            Self::Failed(_) | Self::TimedOut { .. } => None,
        }
    }
}

impl<E: fmt::Display> fmt::Display for CallError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused { circuit, report } => {
                let CircuitReport { state, retry_after, .. } = &**report;
                write!(f, "circuit {circuit:?} is {state:?} and refused the call, retry after {retry_after:?}")
            }
            Self::Failed(error) => error.fmt(f),
            Self::TimedOut { timeout } => write!(f, "the call took longer than {timeout:?}"),
            Self::Gate(error) => error.fmt(f),
        }
    }
}

impl<E: StdError + 'static> StdError for CallError<E> {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Refused { .. } | Self::Gate(_) => Some(&OwnError),
            // Whoever looks at causes, such as a circuit round this one, finds the operation's
            // error as what it is.
            Self::Failed(error) => Some(error),
            Self::TimedOut { .. } => None,
        }
    }
}
