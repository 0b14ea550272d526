//! What wit-bindgen makes of the contract, for the conversions of `guest/component`. Its imports
//! are never called.

#![allow(
    unsafe_code,
    missing_docs,
    dead_code,
    unreachable_pub,
    clippy::all,
    clippy::pedantic,
    reason = "generated: the contract documents the names"
)]

wit_bindgen::generate!({
    path: "../wit",
    world: "tidegate",
    with: { "wasi:clocks/wall-clock@0.2.4": wasi::clocks::wall_clock },
});

/// Stands for the component in the generated code.
pub struct Component;
