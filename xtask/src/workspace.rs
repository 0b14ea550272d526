//! The packages of the workspace that are built together.

use anyhow::Result;

use crate::component;
use crate::run::{cargo, run};

/// All packages that link wasmtime. They are always chosen together: chosen alone, each would switch on other features of
/// what wasmtime is built of, and have it compiled anew.
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
