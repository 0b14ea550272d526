//! The example resilient-api-calls in each language: sets up what it needs, runs it, and runs its tests.

mod python;
mod typescript;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::run::{run, run_tests, step};
use crate::test_counts::TestCounts;
use crate::{install, paths, tasks};

/// A language that the example is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Language {
    Rust,
    TypeScript,
    Python,
}

/// Runs the example in the language of `--language`, by default Rust, and hands the other arguments on.
pub(crate) fn demo(arguments: &[String]) -> Result<()> {
    let (language, arguments) = split(arguments)?;
    let mut command = match language {
        Language::Rust => Command::new(rust()?),
        Language::TypeScript => node(&typescript::build()?),
        Language::Python => python::module(&python::install()?, "resilient_api_calls"),
    };
    command.args(arguments);
    run(command)
}

/// Checks the example in TypeScript and Python and runs its tests; then workers of all three languages on one Redis. The
/// example in Rust is tested with the other packages of the workspace.
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
    run(typescript::npm(&typescript::dir(), &["run", "lint"]))?;
    run_tests(typescript::npm(&typescript::dir(), &["test"]), counts)
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

/// Takes the language out of the arguments.
fn split(arguments: &[String]) -> Result<(Language, Vec<&String>)> {
    let mut language = Language::Rust;
    let mut others = Vec::new();
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        if argument == "--language" {
            language = named(arguments.next().context("--language needs a value: rust, typescript or python")?)?;
        } else if let Some(name) = argument.strip_prefix("--language=") {
            language = named(name)?;
        } else {
            others.push(argument);
        }
    }
    Ok((language, others))
}

fn named(name: &str) -> Result<Language> {
    match name {
        "rust" => Ok(Language::Rust),
        "typescript" => Ok(Language::TypeScript),
        "python" => Ok(Language::Python),
        _ => bail!("--language is {name:?}, must be rust, typescript or python"),
    }
}

/// Builds the example in Rust: the file of the program.
fn rust() -> Result<PathBuf> {
    tasks::build_demo()?;
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

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn takes_the_language_and_hands_the_other_arguments_on() {
        for (given, language, others) in [
            ("", Language::Rust, ""),
            ("--items 5 --json", Language::Rust, "--items 5 --json"),
            ("--items 5 --language typescript --json", Language::TypeScript, "--items 5 --json"),
            ("--language=python --help", Language::Python, "--help"),
        ] {
            let given = words(given);
            let (chosen, rest) = split(&given).unwrap();
            assert_eq!((chosen, rest), (language, words(others).iter().collect()));
        }
    }

    #[test]
    fn a_language_that_there_is_not_is_quoted() {
        let error = split(&words("--language cobol")).unwrap_err();
        assert_eq!(error.to_string(), "--language is \"cobol\", must be rust, typescript or python");
        assert!(split(&words("--language")).is_err());
    }
}
