//! Checks and tests the examples in languages other than Rust.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::run::{run, run_tests, step};
use crate::test_counts::TestCounts;
use crate::{install, npm, paths, workspace};

/// The Temporal example in both languages. `host/typescript` is built by then, and `wheel` is that
/// of `host/python`.
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

/// The HTTP service in each language, by the same tests. `host/typescript` is built by then, and
/// `wheel` is that of `host/python`.
pub(crate) fn http_service(wheel: &Path, counts: &mut TestCounts) -> Result<()> {
    step("examples/http-service", || {
        let example = paths::root().join("examples/http-service");
        let (typescript, dir) = (example.join("typescript"), example.join("python"));
        npm::install(&typescript)?;
        run(npm::command(&typescript, &["run", "lint"]))?;
        run(npm::command(&typescript, &["run", "--silent", "build"]))?;
        let python = environment("http-service", &dir, wheel)?;
        run(module(&python, &dir, ["ruff", "format", "--check", ".", "../tests"]))?;
        run(module(&python, &dir, ["ruff", "check", ".", "../tests"]))?;
        run(module(&python, &dir, ["mypy"]))?;
        workspace::build_bin("http-service")?;
        let mut tests = module(&python, &dir, ["pytest"]);
        tests.env("HTTP_SERVICE_TYPESCRIPT", typescript.join("dist/main.js"));
        tests.env("HTTP_SERVICE_RUST", paths::target_dir()?.join("release/http-service"));
        tests.env("PYTHONPATH", &dir);
        run_tests(tests, counts)
    })
}

/// The cases of `tests/cases`, in the Python of [`http_service`].
pub(crate) fn cases(counts: &mut TestCounts) -> Result<()> {
    step("cases", || {
        install::faketime()?;
        let dir = paths::root().join("tests/cases");
        run_tests(module(&interpreter(&paths::target_dir()?.join("python/http-service")), &dir, ["pytest"]), counts)
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
    let python = interpreter(&environment);
    let mut install = module(&python, dir, ["pip", "install", "--quiet", "--requirement", "requirements.txt"]);
    install.arg(wheel).env("PIP_DISABLE_PIP_VERSION_CHECK", "1");
    run(install)?;
    Ok(python)
}

fn interpreter(environment: &Path) -> PathBuf {
    let (folder, file) = if cfg!(windows) { ("Scripts", "python.exe") } else { ("bin", "python") };
    environment.join(folder).join(file)
}

/// A module run as a program in a folder.
fn module<const N: usize>(python: &Path, dir: &Path, words: [&str; N]) -> Command {
    let mut command = Command::new(python);
    command.arg("-m").args(words).current_dir(dir).env("NO_COLOR", "1");
    command
}
