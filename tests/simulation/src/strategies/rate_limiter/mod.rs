//! The rate limiter. Its mutants are in `mutants.rs`, which `crate::mutants` lists.

pub(super) mod act;
pub(super) mod checks;
pub(super) mod epilogue;
pub(super) mod generate;
pub mod places;
pub(super) mod settings;
