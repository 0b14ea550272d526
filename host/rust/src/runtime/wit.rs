//! The types of the contract, with the documentation of the WIT.

pub(crate) use super::bindings::exports::tidegate::policy::{circuit_breaker, nodes, rate_limiter, types};
pub(crate) use super::bindings::tidegate::policy::kv;
