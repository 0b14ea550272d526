//! Runs the fleet simulation, and builds a component whose policies can be wrong in chosen ways.
//!
//! The wrong policies are patches of text on a copy of the guest, which lie beside the checks that
//! catch them, all in one component: which of them is in force is a byte that the simulation sets
//! in the component's data. So the policies themselves hold nothing of this, and one build does for
//! all.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::component;
use crate::files::copy_folder;
use crate::mutants;
use crate::paths;
use crate::run::{cargo, run};
use crate::toolchain::{TARGET, Toolchain};
use crate::workspace::THE_REST;

/// What the byte that says which mutant is in force follows. The simulation looks for it.
const MARK: &str = "tidegate mutant in force: ";

/// What every patch calls. The mark is looked up in memory, since nothing is known of what
/// `black_box` returns.
const SELECTOR: &str = r#"
/// Which mutant is in force.
pub fn mutant(letter: u8) -> bool {
    static MARK: [u8; 27] = *b"tidegate mutant in force: -";
    core::hint::black_box(&MARK)[26] == letter
}
"#;

/// Runs simulations; `--mutants` alone builds the wrong policies and says where they are.
pub(crate) fn simulate(arguments: &[String]) -> Result<()> {
    if arguments == ["--mutants"] {
        println!("{}", build_mutants()?.display());
        return Ok(());
    }
    component::build()?;
    // A test has to be among what is built, for the features to be those of the tests.
    let targets = ["--bin", "simulate", "--test", "demo"];
    run(cargo(["build", "--locked", "--release"].iter().chain(&THE_REST).chain(&targets)))?;
    let mut command = Command::new(paths::target_dir()?.join("release/simulate"));
    command.args(arguments);
    if arguments.iter().any(|argument| argument == "--mutant" || argument == "--prove") {
        command.arg("--mutants").arg(build_mutants()?);
    }
    run(command)
}

/// Builds the component of mutants, where anything has changed.
fn build_mutants() -> Result<PathBuf> {
    let dir = paths::component_dir()?.join("mutants");
    copy_guest(&dir)?;
    for mutant in mutants::all() {
        patch(&dir.join("guest/policy/src").join(mutant.file), mutant.text, mutant.instead)?;
    }
    let lib = dir.join("guest/policy/src/lib.rs");
    let text = fs::read_to_string(&lib)? + SELECTOR;
    fs::write(&lib, text)?;
    let toolchain = Toolchain::find(&paths::component_dir()?)?;
    let mut command = toolchain.cargo_build();
    command.args(["--offline", "--package", "tidegate-component", "--profile", "guest", "--target", TARGET]);
    command.arg("--target-dir").arg(dir.join("target")).current_dir(&dir);
    run(command)?;
    let component = dir.join("tidegate.wasm");
    component::encode(&dir.join("target").join(TARGET).join("guest/tidegate_component.wasm"), &component)?;
    let bytes = fs::read(&component)?;
    let marks = bytes.windows(MARK.len()).filter(|window| *window == MARK.as_bytes()).count();
    ensure!(marks == 1, "the component of mutants has its mark {marks} times");
    Ok(component)
}

/// Copies what the guest is built from, as a workspace of its own.
fn copy_guest(to: &Path) -> Result<()> {
    for part in ["guest", "wit"] {
        copy_folder(&paths::root().join(part), &to.join(part))?;
    }
    let manifest = fs::read_to_string(paths::root().join("Cargo.toml"))?;
    let members =
        manifest.lines().find(|line| line.starts_with("members = ")).context("the workspace has no members")?;
    let manifest = manifest.replace(members, r#"members = ["guest/component", "guest/policy"]"#);
    fs::write(to.join("Cargo.toml"), manifest.replace("unsafe_code = \"forbid\"", ""))?;
    fs::copy(paths::root().join("Cargo.lock"), to.join("Cargo.lock"))?;
    Ok(())
}

/// Replaces a text that must be there just once: what a mutant changes may have moved, and then it
/// would change nothing.
fn patch(file: &Path, text: &str, instead: &str) -> Result<()> {
    let whole = fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))?;
    let found = whole.matches(text).count();
    ensure!(found == 1, "{} has {found} times what a mutant changes: {text}", file.display());
    fs::write(file, whole.replace(text, instead))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use crate::{mutants, paths};

    #[test]
    fn what_each_mutant_changes_is_in_the_guest_just_once() {
        for mutant in mutants::all() {
            let file = paths::root().join("guest/policy/src").join(mutant.file);
            let text = std::fs::read_to_string(&file).unwrap_or_default();
            assert_eq!(text.matches(mutant.text).count(), 1, "{}: {}", mutant.name, file.display());
        }
    }

    #[test]
    fn no_two_mutants_have_a_name_or_a_letter_in_common() {
        let names: BTreeSet<_> = mutants::all().map(|mutant| mutant.name).collect();
        let letters: BTreeSet<_> = mutants::all().map(|mutant| mutant.letter).collect();
        assert_eq!((names.len(), letters.len()), (mutants::all().count(), mutants::all().count()));
    }
}
