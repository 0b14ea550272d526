//! Seeded mutations of the policies: a component that holds them all, built by `cargo xtask
//! simulate --mutants`, in which a byte says which is in force.

use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};

use crate::mutants;

/// What the byte follows.
const MARK: &[u8] = b"tidegate mutant in force: ";

/// A component of which a mutant is in force.
///
/// # Errors
/// If there is no such mutant, or the component does not hold any.
pub fn in_force(component: &[u8], name: &str) -> Result<Arc<[u8]>> {
    let known = mutants::all().find(|known| known.name == name);
    let mutant = known.with_context(|| format!("there is no mutant {name:?}"))?;
    let mut bytes = component.to_vec();
    let place = bytes.windows(MARK.len()).position(|window| window == MARK);
    let place = place.context("the component holds no mutants")? + MARK.len();
    ensure!(bytes[place] == b'-', "a mutant is in force already");
    bytes[place] = mutant.letter;
    Ok(bytes.into())
}
