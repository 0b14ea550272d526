//! What can go wrong between the host and the component. A trap is a bug, a problem is a
//! configuration's, and neither is ever told as the other.

use std::path::PathBuf;

use super::bounds::LIMIT_MS;
use super::stats;
use super::wit::types::Problem;

/// Why the component cannot be used.
#[derive(Debug, Clone, thiserror::Error)]
pub enum LoadError {
    /// The file cannot be read.
    #[error("the component file {} cannot be read: {reason}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The bytes are no WebAssembly component that this runtime can compile.
    #[error("not a usable WebAssembly component: {0}")]
    NotAComponent(String),
    /// The component asks for something that no policy may have.
    #[error("the component imports {0}, and a policy may import only wasi:clocks/wall-clock and tidegate:policy/kv")]
    ForeignImport(String),
    /// The component is another one.
    #[error("the component does not export {0}, so it is no Tidegate component of this version")]
    MissingExport(String),
    /// An import or export has the right name and another type.
    #[error("the component is of another version of the contract: {0}")]
    OtherContract(String),
    /// This machine cannot run WebAssembly.
    #[error("the WebAssembly engine cannot start: {0}")]
    Engine(String),
}

/// Why a call of the component came to nothing. It has changed nothing.
#[derive(Debug, Clone, thiserror::Error)]
pub enum RunError {
    /// It ran too long, on two instances one after the other, and was stopped.
    #[error("the policy component ran for more than {timeout_ms} ms and was stopped, twice")]
    TimedOut {
        /// The longest a run may take, in milliseconds.
        timeout_ms: u64,
    },
    /// It trapped, on two instances one after the other.
    #[error("the policy component trapped twice: {0}")]
    Trapped(String),
}

impl RunError {
    pub(super) fn from_trap(trap: &wasmtime::Error) -> Self {
        if stats::is_timeout(trap) {
            Self::TimedOut { timeout_ms: LIMIT_MS }
        } else {
            Self::Trapped(format!("{trap:#}"))
        }
    }
}

/// Why a configuration was not taken.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum OpenError {
    /// What is wrong with it; all of it.
    #[error("{}", list(.0))]
    Problems(Vec<Problem>),
    /// The component failed.
    #[error(transparent)]
    Run(#[from] RunError),
}

fn list(problems: &[Problem]) -> String {
    let lines = problems.iter().map(|Problem { path, value, allowed }| format!("{path} is {value}, must be {allowed}"));
    lines.collect::<Vec<_>>().join("; ")
}
