//! The types of the contract, with the documentation of the WIT.

pub(crate) use super::bindings::exports::tidegate::policy::*;
pub(crate) use super::bindings::tidegate::policy::kv;
pub(crate) use super::bindings::wasi::clocks::wall_clock;
