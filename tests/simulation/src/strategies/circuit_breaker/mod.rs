//! The circuit breaker. Its mutants are in `mutants.rs`, which `crate::mutants` lists.

pub(super) mod act;
pub(super) mod checks;
pub(super) mod epilogue;
pub(super) mod generate;
pub mod rows;
pub(super) mod settings;
