//! The checkers bite: each seeded mutation of the store, the ledger and the policies is caught.

use std::path::PathBuf;
use std::process::Command;

use tidegate_simulation::flaw::{self, Flaw};
use tidegate_simulation::mutants::{self, Mutant};
use tidegate_simulation::run::Trial;
use tidegate_simulation::shrink::Failure;
use tidegate_simulation::strategies::circuit_breaker::rows;
use tidegate_simulation::strategies::rate_limiter::places;
use tidegate_simulation::{generate, hiccups, jumps, mutant};

/// In this many fleets each mutation is caught.
const SEEDS: u64 = 1_000;

fn is_caught(trial: &Trial, first: u64) -> bool {
    (first..first + SEEDS).any(|seed| Failure::find(generate::scenario(seed), trial).is_some())
}

/// The flaws that no fleet from this seed on catches.
fn missed(flaws: &[(&'static str, Flaw)], first: u64) -> Vec<&'static str> {
    let is_missed = |(_, flaw): &&(_, Flaw)| !is_caught(&Trial { flaw: Some(*flaw), ..Trial::default() }, first);
    flaws.iter().filter(is_missed).map(|(name, _)| *name).collect()
}

#[test]
fn every_flaw_of_the_store_and_the_ledger_is_caught() {
    assert_eq!(missed(flaw::FLAWS, 0), Vec::<&str>::new());
}

#[test]
fn every_flaw_that_takes_a_hiccup_for_an_outage_is_caught() {
    assert_eq!(missed(flaw::OF_HICCUPS, hiccups::FIRST), Vec::<&str>::new());
}

#[test]
fn every_flaw_of_a_row_of_failures_is_caught() {
    assert_eq!(missed(flaw::OF_ROWS, rows::FIRST), Vec::<&str>::new());
}

#[test]
fn every_flaw_of_times_is_caught() {
    assert_eq!(missed(flaw::OF_JUMPS, jumps::FIRST), Vec::<&str>::new());
}

#[test]
fn every_mutant_of_the_policies_is_caught() {
    let component = std::fs::read(component()).expect("the component of mutants can be read");
    let is_missed = |name: &str, first| {
        let component = mutant::in_force(&component, name).expect("the component holds the mutants");
        !is_caught(&Trial { component: Some(component), ..Trial::default() }, first)
    };
    let first = |mutant: &Mutant| if mutant.needs_places { places::FIRST } else { 0 };
    let missed = mutants::all().filter(|mutant| is_missed(mutant.name, first(mutant)));
    let missed: Vec<&str> = missed.map(|mutant| mutant.name).collect();
    assert!(missed.is_empty(), "{missed:?}");
}

#[test]
fn a_component_of_mutants_with_none_in_force_breaks_no_promise() {
    let component = std::fs::read(component()).expect("the component of mutants can be read");
    let trial = Trial { component: Some(component.into()), ..Trial::default() };
    for seed in 0..20 {
        let failure = Failure::find(generate::scenario(seed), &trial);
        assert!(failure.is_none(), "{}", failure.map(|failure| failure.report("")).unwrap_or_default());
    }
}

/// Builds the component of mutants, where anything has changed, and says where it is.
fn component() -> PathBuf {
    static BUILT: std::sync::LazyLock<PathBuf> = std::sync::LazyLock::new(|| {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
        let output = Command::new(cargo).args(["xtask", "simulate", "--mutants"]).current_dir(root).output();
        let output = output.expect("cargo starts");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8_lossy(&output.stdout);
        PathBuf::from(text.lines().last().expect("xtask names the component"))
    });
    BUILT.clone()
}
