//! The types of the contract under the names that a host has for them.

/// What `wit/` says.
pub(crate) mod wit {
    pub(crate) use crate::bindings::exports::tidegate::policy::{circuit_breaker, rate_limiter};
}
