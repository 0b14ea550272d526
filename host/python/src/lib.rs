//! The extension module behind the Python package `tidegate`.
//!
//! It owns what a process needs to ask for decisions: gates on a store, limiters and breakers, the
//! threads that wait for Redis, and the way back into an asyncio loop. It holds no policy. What a
//! process cannot take along through a fork is made anew in the child, see `process`. Threads of
//! its own never touch Python: see `bridge`.

#![allow(clippy::needless_pass_by_value, clippy::unused_self, reason = "PyO3 prescribes how Python's calls come in")]

mod asked;
mod away;
mod bridge;
mod call;
mod clock;
mod data;
mod errors;
mod exceptions;
mod gate;
mod opened_nodes;
mod process;
mod shared;
mod sleeper;
mod stats;
mod store;
mod strategies;
mod testing;
mod waiting;

use pyo3::prelude::*;

/// The compiled part of the package `tidegate`. Not for use by itself.
#[pymodule]
mod _tidegate {
    #[pymodule_export]
    use crate::away::{Forgotten, ForgottenNews, StoreChange, StoreChanges, Warnings};
    #[pymodule_export]
    use crate::bridge::Bridge;
    #[pymodule_export]
    use crate::call::Pending;
    #[pymodule_export]
    use crate::clock::ManualClock;
    #[pymodule_export]
    use crate::gate::Gate;
    #[pymodule_export]
    use crate::stats::Stats;
    #[pymodule_export]
    use crate::store::{Memory, Redis};
    #[pymodule_export]
    use crate::strategies::circuit_breaker::{CircuitBreaker, CircuitBreakerNode, CircuitReport, Permit, Transition};
    #[pymodule_export]
    use crate::strategies::rate_limiter::{Admission, Decision, RateLimiter, RateLimiterNode};
    #[pymodule_export]
    use crate::testing::ScriptedStore;

    use super::{Bound, PyModule, PyResult, pyfunction};

    /// The URL of the Redis that the environment names.
    #[pyfunction]
    fn redis_url_of_env() -> String {
        tidegate::store::redis::url_of_env()
    }

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        crate::process::watch_forks(module)
    }
}
