//! Checks and tests the examples in languages other than Rust.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::npm;
use crate::paths;
use crate::run::{run, run_tests, step};
use crate::test_counts::TestCounts;

/// The Temporal example in both languages. `host/typescript` is built by then, and `wheel` is that of `host/python`.
pub(crate) fn temporal(wheel: &Path, counts: &mut TestCounts) -> Result<()> {
    step("examples/temporal: typescript", || {
        let dir = paths::root().join("examples/temporal/typescript");
        npm::install(&dir)?;
        run(npm::command(&dir, &["run", "lint"]))?;
        run_tests(npm::command(&dir, &["test"]), counts)
    })?;
    step("examples/temporal: python", || {
        let dir = paths::root().join("examples/temporal/python");
        let python = environment("temporal", &dir, wheel)?;
        run(module(&python, &dir, ["ruff", "format", "--check", "."]))?;
        run(module(&python, &dir, ["ruff", "check", "."]))?;
        run(module(&python, &dir, ["mypy"]))?;
        run_tests(module(&python, &dir, ["pytest"]), counts)
    })
}

/// The Python of a fresh virtual environment, with an example's requirements and the wheel.
fn environment(name: &str, dir: &Path, wheel: &Path) -> Result<PathBuf> {
    let target = paths::target_dir()?.join("python");
    std::fs::create_dir_all(&target).with_context(|| format!("{} cannot be made", target.display()))?;
    let environment = target.join(name);
    let mut create = Command::new("python3");
    create.args(["-m", "venv", "--clear"]).arg(&environment);
    run(create)?;
    let (folder, file) = if cfg!(windows) { ("Scripts", "python.exe") } else { ("bin", "python") };
    let python = environment.join(folder).join(file);
    let mut install = module(&python, dir, ["pip", "install", "--quiet", "--requirement", "requirements.txt"]);
    install.arg(wheel).env("PIP_DISABLE_PIP_VERSION_CHECK", "1");
    run(install)?;
    Ok(python)
}

/// A module run as a program in a folder.
fn module<const N: usize>(python: &Path, dir: &Path, words: [&str; N]) -> Command {
    let mut command = Command::new(python);
    command.arg("-m").args(words).current_dir(dir).env("NO_COLOR", "1");
    command
}
