//! What `wit/` says, as Rust: the types of the contract with its documentation, and the calls of
//! the guest.

#![allow(missing_docs, reason = "the documentation is that of the WIT, which documents what needs it")]
#![allow(clippy::all, clippy::pedantic, unreachable_pub, reason = "generated")]

wasmtime::component::bindgen!({
    path: "wit",
    world: "tidegate",
    additional_derives: [PartialEq],
});
