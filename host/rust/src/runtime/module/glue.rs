//! What `host/rust/glue` makes of `wit/` when this crate is built.

#![allow(clippy::all, clippy::pedantic, dead_code, unused_mut, unused_variables, reason = "generated")]

use wasmtime::{Caller, Linker, Memory, Store, TypedFunc};

use super::super::{HostState, wit};
use super::found::Found;
use super::memory::{self, Lowering};

/// The functions and the memory of an instance.
pub(crate) struct Core {
    pub(super) functions: Functions,
    pub(super) memory: Memory,
}

/// A policy in an instance.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Handle {
    /// Where the instance has it.
    address: u32,
    kind: Kind,
}

impl Core {
    /// Drops a policy.
    pub(crate) fn drop_handle(&self, store: &mut Store<HostState>, handle: Handle) -> wasmtime::Result<()> {
        let destructor = self.functions.destructor(handle.kind);
        destructor.map_or(Ok(()), |destructor| destructor.call(store, (handle.address.cast_signed(),)))
    }
}

include!(concat!(env!("OUT_DIR"), "/core.rs"));
