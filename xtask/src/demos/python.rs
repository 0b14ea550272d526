//! The example in Python, on the package as it is now, in a virtual environment that is kept from run to run.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::run::run;
use crate::{component, paths};

/// Installs the package, the example and what its tests need: the interpreter that has them.
pub(crate) fn install() -> Result<PathBuf> {
    component::build()?;
    let python = environment()?;
    let requirements = paths::root().join("host/python/requirements-test.txt");
    pip(&python, &["--requirement".as_ref(), requirements.as_ref()])?;
    pip(&python, &["--force-reinstall".as_ref(), "--no-deps".as_ref(), wheel(&python)?.as_ref()])?;
    pip(&python, &["--group".as_ref(), "dev".as_ref(), "--editable".as_ref(), ".".as_ref()])?;
    Ok(python)
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

/// The interpreter of the environment.
fn environment() -> Result<PathBuf> {
    let environment = paths::target_dir()?.join("python/demo");
    let python = environment.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" });
    if !python.is_file() {
        let mut create = Command::new("python3");
        create.args(["-m", "venv", "--clear"]).arg(environment);
        run(create)?;
        // An older one does not know dependency groups.
        pip(&python, &["--upgrade".as_ref(), "pip>=25.1".as_ref()])?;
    }
    Ok(python)
}

/// Builds the wheel among what cargo has built already.
fn wheel(python: &Path) -> Result<PathBuf> {
    let wheels = paths::target_dir()?.join("python/demo-wheels");
    if wheels.exists() {
        // An older wheel would be taken for this one.
        std::fs::remove_dir_all(&wheels).with_context(|| format!("{} cannot be removed", wheels.display()))?;
    }
    let mut build = module(python, "maturin");
    build.args(["build", "--quiet", "--release", "--locked", "--interpreter"]).arg(python);
    build.arg("--out").arg(&wheels).env("CARGO", paths::cargo()).current_dir(paths::root().join("host/python"));
    run(build)?;
    let file = std::fs::read_dir(&wheels)?.next().context("maturin made no wheel")??;
    Ok(file.path())
}

fn pip(python: &Path, arguments: &[&OsStr]) -> Result<()> {
    let mut command = module(python, "pip");
    command.args(["install", "--quiet", "--disable-pip-version-check"]).args(arguments);
    run(command)
}
