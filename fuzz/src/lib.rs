//! Hostile input: what comes from outside, thrown at what reads it. `CONTRIBUTING.md` says how to
//! run it.
//!
//! Each target in [`target`] takes any bytes, and holds what becomes of them to more than that
//! nothing panics. The fuzzer feeds the targets by the programs in `fuzz_targets`; the tests replay
//! the seeds and every input that ever broke something.

pub mod input;
pub mod stage;
pub mod target;
