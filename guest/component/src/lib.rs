//! The Tidegate component: the policies behind the contract in `wit/`.
//!
//! It converts and delegates, and decides nothing. It is `no_std` on its target, where the standard
//! library would bring formatting and panic machinery that no one can see the output of.

#![cfg_attr(target_arch = "wasm32", no_std)]

extern crate alloc;

pub mod bindings;
mod convert;
#[cfg(target_arch = "wasm32")]
mod runtime;
mod strategies;
mod world;
