//! The example in Python, on the package as it is now.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use crate::python::Environment;
use crate::run::run;
use crate::{component, paths, python};

/// Installs the package, the example and what its tests need into a virtual environment that is
/// kept: the interpreter in it.
pub(crate) fn install() -> Result<PathBuf> {
    component::build()?;
    python::setup()?;
    let environment = Environment::kept("demo")?;
    let wheel = environment.build_wheel()?;
    let mut install = environment.module("pip", &["install", "--quiet", "--force-reinstall", "--no-deps"]);
    install.arg(wheel);
    run(install)?;
    let mut install = environment.module("pip", &["install", "--quiet", "--editable", ".[test]"]);
    install.current_dir(dir());
    run(install)?;
    Ok(environment.python())
}

/// The example's folder.
pub(crate) fn dir() -> PathBuf {
    paths::root().join("examples/resilient-api-calls/python")
}

/// A module run as a program, in the example's folder.
pub(crate) fn module(python: &Path, name: &str) -> Command {
    let mut command = Command::new(python);
    command.args(["-m", name]).current_dir(dir());
    command
}
