//! Mutants: ways in which the policies can be wrong, a file in the folder of each strategy. A check
//! that catches none is no check.
//!
//! `cargo xtask simulate --mutants` reads this file, puts all of them into one component, and a
//! byte of that says which is in force. So it knows nothing of the rest of the simulation.

#[path = "strategies/circuit_breaker/mutants.rs"]
mod circuit_breaker;
#[path = "strategies/rate_limiter/mutants.rs"]
mod rate_limiter;

/// A way to be wrong: a file of `guest/policy/src`, what stands there once, and what is put in its
/// place.
#[derive(Debug)]
pub struct Mutant {
    /// What a failure calls it.
    pub name: &'static str,
    /// The byte that puts it in force.
    pub letter: u8,
    /// Whether only fleets with places ahead catch it.
    pub needs_places: bool,
    /// The file.
    pub file: &'static str,
    /// What stands there.
    pub text: &'static str,
    /// What is put in its place.
    pub instead: &'static str,
}

/// All mutants.
pub fn all() -> impl Iterator<Item = &'static Mutant> {
    rate_limiter::MUTANTS.iter().chain(circuit_breaker::MUTANTS)
}
