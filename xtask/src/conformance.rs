//! The conformance suite, `tests/conformance`: what its drivers need, and its runner.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use crate::run::{cargo, run, run_tests};
use crate::test_counts::TestCounts;
use crate::workspace::THE_REST;
use crate::{component, install, paths, python, typescript};

/// Builds all hosts and runs the suite on them.
pub(crate) fn conformance(arguments: &[String]) -> Result<()> {
    component::build()?;
    install::redis()?;
    typescript::setup()?;
    typescript::build()?;
    prepare()?;
    let mut suite = runner()?;
    suite.args(arguments);
    run(suite)
}

/// Runs the suite on what earlier steps have built, and counts its cases.
pub(crate) fn test(counts: &mut TestCounts) -> Result<()> {
    prepare()?;
    run_tests(runner()?, counts)
}

/// Builds the runner and its Rust driver, and a Python with the others' packages.
fn prepare() -> Result<()> {
    let programs = ["--bin", "conformance", "--bin", "conformance-rust", "--bin", "conformance-samples"];
    // A test has to be among what is built, for the features to be those of the tests.
    run(cargo(["build", "--locked", "--release"].iter().chain(&THE_REST).chain(&programs).chain(&["--test", "demo"])))?;
    let wheel = python::wheel()?;
    let environment = paths::target_dir()?.join("conformance/venv");
    let mut create = Command::new("python3");
    create.args(["-m", "venv"]).arg(&environment);
    run(create)?;
    let requirements = paths::root().join("tests/conformance/requirements.txt");
    run(pip(&["install", "--quiet", "--requirement"])?.with(requirements))?;
    run(pip(&["install", "--quiet", "--force-reinstall"])?.with(wheel))
}

fn pip(arguments: &[&str]) -> Result<Command> {
    let mut command = Command::new(paths::target_dir()?.join("conformance/venv/bin/python"));
    command.args(["-m", "pip"]).args(arguments).env("PIP_DISABLE_PIP_VERSION_CHECK", "1");
    Ok(command)
}

fn runner() -> Result<Command> {
    Ok(Command::new(paths::target_dir()?.join("release/conformance")))
}

/// One more argument.
trait With {
    fn with(self, argument: PathBuf) -> Self;
}

impl With for Command {
    fn with(mut self, argument: PathBuf) -> Self {
        self.arg(argument);
        self
    }
}
