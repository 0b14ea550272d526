//! The example resilient-api-calls in each language: sets up what it needs, runs it, and runs its
//! tests.

mod python;
mod typescript;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use crate::language::{self, Language};
use crate::run::{run, run_tests, step};
use crate::test_counts::TestCounts;
use crate::{install, npm, paths, workspace};

/// Runs the example in the language of `--language`, by default Rust, and hands the other arguments
/// on.
pub(crate) fn demo(arguments: &[String]) -> Result<()> {
    let (language, arguments) = language::split(arguments)?;
    let mut command = match language.unwrap_or(Language::Rust) {
        Language::Rust => Command::new(rust()?),
        Language::TypeScript => node(&typescript::build()?),
        Language::Python => python::module(&python::install()?, "resilient_api_calls"),
    };
    command.args(arguments);
    run(command)
}

/// Checks the example in TypeScript and Python and runs its tests; then workers of all three
/// languages on one Redis. The example in Rust is tested with the other packages of the workspace.
pub(crate) fn test(counts: &mut TestCounts) -> Result<()> {
    install::redis()?;
    step("resilient-api-calls in TypeScript", || test_typescript(counts))?;
    step("resilient-api-calls in Python", || test_python(counts))?;
    step("resilient-api-calls in three languages at once", || {
        let mut command = pytest(&python::install()?, "mixed");
        command.env("RESILIENT_API_CALLS_RUST", rust()?).env("RESILIENT_API_CALLS_TYPESCRIPT", typescript::build()?);
        run_tests(command, counts)
    })
}

fn test_typescript(counts: &mut TestCounts) -> Result<()> {
    typescript::build()?;
    run(npm::command(&typescript::dir(), &["run", "lint"]))?;
    run_tests(npm::command(&typescript::dir(), &["test"]), counts)
}

fn test_python(counts: &mut TestCounts) -> Result<()> {
    let python = python::install()?;
    for (tool, arguments) in [("ruff", &["check"][..]), ("ruff", &["format", "--check"]), ("mypy", &[])] {
        let mut command = python::module(&python, tool);
        command.args(arguments);
        run(command)?;
    }
    run_tests(pytest(&python, "tests"), counts)
}

/// Builds the example in Rust: the file of the program.
fn rust() -> Result<PathBuf> {
    workspace::build_demo()?;
    Ok(paths::target_dir()?.join("release/resilient-api-calls"))
}

fn node(program: &Path) -> Command {
    let mut command = Command::new("node");
    command.arg(program);
    command
}

fn pytest(python: &Path, tests: &str) -> Command {
    let mut command = python::module(python, "pytest");
    command.arg(tests);
    command
}
