//! The packages of the workspace that are built together.

use anyhow::{Context, Result};

use crate::run::{cargo, run};
use crate::{component, paths};

/// All packages that link wasmtime. They are always chosen together: chosen alone, each would
/// switch on other features of what wasmtime is built of, and have it compiled anew.
pub(crate) const THE_REST: [&str; 5] = ["--workspace", "--exclude", "tidegate-policy", "--exclude", "xtask"];

/// Builds the example in Rust.
pub(crate) fn build_demo() -> Result<()> {
    build_bin("resilient-api-calls")
}

/// Builds a program of the workspace.
pub(crate) fn build_bin(name: &str) -> Result<()> {
    component::build()?;
    // A test has to be among what is built, for the features to be those of the tests.
    let targets = ["--bin", name, "--test", "demo"];
    run(cargo(["build", "--locked", "--release"].iter().chain(&THE_REST).chain(&targets)))
}

/// The names of a package's integration tests.
pub(crate) fn tests_of(package: &str) -> Result<Vec<String>> {
    let dir = paths::root().join(package).join("tests");
    let mut names = Vec::new();
    for entry in std::fs::read_dir(&dir).with_context(|| format!("{} cannot be read", dir.display()))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "rs") {
            names.extend(path.file_stem().map(|name| name.to_string_lossy().into_owned()));
        }
    }
    names.sort();
    Ok(names)
}
