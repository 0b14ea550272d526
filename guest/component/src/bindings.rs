//! What wit-bindgen makes of the contract.
//!
//! The clock is WASI's own, bound by the `wasi` crate in the version that `wit/` names.

#![allow(
    unsafe_code,
    missing_docs,
    clippy::all,
    clippy::pedantic,
    reason = "generated: crossing the boundary is raw memory, and the contract documents the names"
)]

wit_bindgen::generate!({
    path: "../../wit",
    world: "tidegate",
    with: { "wasi:clocks/wall-clock@0.2.4": wasi::clocks::wall_clock },
});

export!(Component);

/// Stands for the component in the generated code; the modules of the interfaces give it its parts.
pub struct Component;
