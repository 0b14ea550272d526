//! Seeded mutations of the policies: a component that holds them all, built by `cargo xtask
//! simulate --mutants`, in which a byte says which is in force.

use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};

/// What the byte follows.
const MARK: &[u8] = b"tidegate mutant in force: ";

/// The mutants by name, and the letters that put them in force.
pub const MUTANTS: &[(&str, u8)] = &[
    ("bucket-holds-one-more", b'A'),
    ("window-forgets-its-oldest-part", b'B'),
    ("late-outcome-is-trusted", b'C'),
    ("probes-are-not-counted", b'D'),
    ("open-circuit-admits-early", b'E'),
    ("last-waiter-goes-first", b'F'),
    ("limits-are-not-all-checked", b'G'),
    ("refusal-charges", b'H'),
    ("log-forgets-early", b'I'),
    ("probe-is-never-given-up", b'J'),
    ("refund-gives-back-twice", b'K'),
    ("waiters-are-passed-over", b'L'),
    ("sub-window-is-not-cleared", b'M'),
    ("circuit-opens-early", b'N'),
    ("lease-is-spent-after-its-end", b'O'),
    ("lease-is-given-back-whole", b'P'),
    ("leased-permits-leave-too-early", b'Q'),
    ("lease-is-never-used-up", b'R'),
    ("lease-outlives-its-window", b'S'),
    ("lease-is-held-uncharged", b'T'),
    ("share-is-the-whole-limit", b'U'),
    ("debt-is-not-charged", b'V'),
    ("share-is-forgotten", b'W'),
    ("waiter-is-dropped-early", b'X'),
    ("refund-of-a-log-gives-nothing", b'Y'),
    ("last-time-is-not-raised", b'Z'),
];

/// Those that only fleets with places ahead catch.
pub const OF_PLACES: &[(&str, u8)] = &[("place-is-given-back-in-part", b'a')];

/// A component of which a mutant is in force.
///
/// # Errors
/// If there is no such mutant, or the component does not hold any.
pub fn in_force(component: &[u8], name: &str) -> Result<Arc<[u8]>> {
    let known = MUTANTS.iter().chain(OF_PLACES).find(|(known, _)| *known == name);
    let (_, letter) = known.with_context(|| format!("there is no mutant {name:?}"))?;
    let mut bytes = component.to_vec();
    let place = bytes.windows(MARK.len()).position(|window| window == MARK);
    let place = place.context("the component holds no mutants")? + MARK.len();
    ensure!(bytes[place] == b'-', "a mutant is in force already");
    bytes[place] = *letter;
    Ok(bytes.into())
}
