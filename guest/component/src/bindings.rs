//! What wit-bindgen makes of the contract.
//!
//! The clock is bound from the contract like everything else, and not through the `wasi` crate, so that the version the
//! component imports is the one that `wit/` names.

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
    generate_all,
});

export!(Component);

/// Stands for the component in the generated code; the modules of the interfaces give it its parts.
pub struct Component;
