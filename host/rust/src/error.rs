//! Errors, in three layers: a wrong configuration, a store that did not answer, and a policy that
//! failed.

use std::time::Duration;

use crate::problem::SettingsError;
use crate::runtime::wit::types as wit;
use crate::runtime::{LoadError, OpenError, RunError};
use crate::settings::Spelling;
use crate::store::StoreError;
use crate::strategies::circuit_breaker::CircuitReport;
use crate::strategies::rate_limiter::Decision;

pub use crate::problem::Problem;

impl From<wit::Problem> for Problem {
    fn from(problem: wit::Problem) -> Self {
        Self { path: problem.path, value: problem.value, allowed: problem.allowed }
    }
}

impl Problem {
    /// With the names of the contract written otherwise.
    fn spelt(self, spelling: Spelling) -> Self {
        let Self { path, value, allowed } = self;
        Self { path: spelling.name(&path), value, allowed: spelling.phrase(&allowed) }
    }
}

impl From<SettingsError> for Error {
    fn from(error: SettingsError) -> Self {
        match error {
            SettingsError::Config { name, problems } => Self::Config { name, problems },
            SettingsError::Json { path, reason } => Self::Json { path, reason },
        }
    }
}

/// Why there is no answer.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The configuration is wrong: everything that is.
    #[error("{name:?} is not a valid configuration: {}", list(.problems))]
    Config {
        /// The name in the configuration.
        name: String,
        /// All its problems.
        problems: Vec<Problem>,
    },
    /// The text is not JSON, or names a field twice.
    #[error("the configuration is wrong at {path}: {reason}")]
    Json {
        /// Where, as a path from the root: `limits[1].window`; `.` is the root.
        path: String,
        /// What was found there, what was expected, and the line and column.
        reason: String,
    },
    /// What a workflow node was given, its context or a token, is wrong: everything that is.
    #[error("the {node} node cannot go on: {}", list(.problems))]
    Input {
        /// The node's type.
        node: String,
        /// All problems, with paths such as `context.userId`.
        problems: Vec<Problem>,
    },
    /// The circuit of a workflow node refused the call.
    #[error("circuit {circuit:?} is {:?} and refused the call, retry after {:?}", .report.state, .report.retry_after)]
    CircuitOpen {
        /// The circuit's name.
        circuit: String,
        /// The circuit.
        report: Box<CircuitReport>,
    },
    /// The cost is above what a limit can ever admit at once. Waiting does not help.
    #[error(
        "a cost of {cost} can never fit in limits[{binding}] of rate limiter {limiter:?}, which admits {limit} at once; \
         {count} count now"
    )]
    CostNeverFits {
        /// The limiter's name.
        limiter: String,
        /// The cost asked for.
        cost: u32,
        /// Which limit admits the least, counted from 0.
        binding: u32,
        /// The most that it admits at once: the limit; for GCRA and token bucket the burst.
        limit: u32,
        /// Permits that count against it now.
        count: u32,
        /// How many it would allow now.
        remaining: u32,
    },
    /// The rate limiter denied the call: see [`RateLimiter::acquire`](crate::RateLimiter::acquire).
    #[error("rate limiter {limiter:?} denied the call ({:?}), retry after {:?}", .decision.reason, .decision.retry_after)]
    Denied {
        /// The limiter's name.
        limiter: String,
        /// Its decision.
        decision: Box<Decision>,
    },
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// More calls wait for the store than may, in this process. It says nothing of the store, which
    /// answers others. Nothing was charged.
    #[error("{waiting} calls wait for the store in this process, and no more than {max_waiting} may")]
    Overloaded {
        /// How many wait.
        waiting: usize,
        /// How many may: see [`Builder::max_waiting`](crate::Builder::max_waiting).
        max_waiting: usize,
    },
    /// Others changed the same entity again and again while this call tried to. Nothing was
    /// charged.
    #[error("the call met other hosts' changes {attempts} times in a row and gave up")]
    Contended {
        /// How many times it tried.
        attempts: u32,
    },
    /// The component cannot be used.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The component failed: a defect, and not of the caller. Nothing was charged.
    #[error(transparent)]
    Run(#[from] RunError),
    /// The call cannot be made on this store, or its driver is gone.
    #[error("{0}")]
    Misuse(String),
}

impl Error {
    pub(crate) fn of_open(name: &str, error: OpenError) -> Self {
        match error {
            OpenError::Run(error) => Self::Run(error),
            OpenError::Problems(problems) => {
                Self::Config { name: name.to_owned(), problems: problems.into_iter().map(Into::into).collect() }
            }
        }
    }

    /// As [`Self::of_open`], of settings that are fields of this crate.
    pub(crate) fn of_settings(name: &str, error: OpenError) -> Self {
        match Self::of_open(name, error) {
            Self::Config { name, problems } => {
                let problems = problems.into_iter().map(|problem| problem.spelt(Spelling::Rust)).collect();
                Self::Config { name, problems }
            }
            other => other,
        }
    }

    /// The same, with the names of settings as a caller has written them.
    #[doc(hidden)]
    #[must_use]
    pub fn spelt(self, spelling: Spelling) -> Self {
        let Self::Config { name, problems } = self else { return self };
        Self::Config { name, problems: problems.into_iter().map(|problem| problem.spelt(spelling)).collect() }
    }

    pub(crate) fn of_input(node: &str, problems: Vec<wit::Problem>) -> Self {
        Self::Input { node: node.to_owned(), problems: problems.into_iter().map(Into::into).collect() }
    }

    /// Whether it comes from the store, which was away or refused: `when_away` says what to answer
    /// instead.
    pub(crate) fn is_of_store(&self) -> bool {
        matches!(self, Self::Store(_))
    }

    /// Whether the store was away, so that the caller may choose to go on without it. A store that
    /// answered and refused, for want of rights or of memory, is not away.
    pub fn is_store_away(&self) -> bool {
        matches!(self, Self::Store(error) if error.is_away())
    }

    /// After what time the same call may go through: where a rate limiter denied it, or a node's
    /// circuit refused it and knows. `None` of all else, such as a cost that never fits.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Denied { decision, .. } => Some(decision.retry_after),
            Self::CircuitOpen { report, .. } => report.known_retry_after(),
            _ => None,
        }
    }

    /// The decision, where a rate limiter denied the call.
    pub fn denied(&self) -> Option<&Decision> {
        match self {
            Self::Denied { decision, .. } => Some(decision),
            _ => None,
        }
    }
}

pub(crate) fn list(problems: &[Problem]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}
