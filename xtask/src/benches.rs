//! The benchmarks of all languages, in one run.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use crate::language::{self, Language};
use crate::python::{self, Environment};
use crate::run::{cargo, run, step};
use crate::tasks::THE_REST;
use crate::{component, install, npm, paths, typescript};

/// Runs them all, or those of the language of `--language`. The other arguments go to the benchmarks.
pub(crate) fn bench(arguments: &[String]) -> Result<()> {
    let (chosen, arguments) = language::split(arguments)?;
    component::build()?;
    install::redis()?;
    for language in [Language::Rust, Language::TypeScript, Language::Python] {
        if chosen.is_none_or(|chosen| chosen == language) {
            step(&format!("benchmarks in {language:?}"), || match language {
                Language::Rust => rust(&["decisions", "curves"], &arguments),
                Language::TypeScript => node(&arguments),
                Language::Python => python(&arguments),
            })?;
        }
    }
    if chosen.is_none_or(|chosen| chosen == Language::Rust) {
        step("accuracy", || accuracy(&arguments))?;
    }
    Ok(())
}

fn rust(targets: &[&str], arguments: &[impl AsRef<OsStr>]) -> Result<()> {
    let mut command = cargo(["bench", "--locked"].iter().chain(&THE_REST));
    for target in targets {
        command.args(["--bench", target]);
    }
    command.arg("--").args(arguments);
    run(command)
}

/// With the peers of all languages.
fn accuracy(arguments: &[&String]) -> Result<()> {
    typescript::setup()?;
    npm::install(&dir("typescript"))?;
    let python = python_with_peers()?.python();
    let arguments = arguments.iter().map(|argument| (*argument).into()).chain(["--python".into(), python.into()]);
    rust(&["accuracy"], &arguments.collect::<Vec<OsString>>())
}

fn node(arguments: &[&String]) -> Result<()> {
    typescript::setup()?;
    typescript::build()?;
    let dir = dir("typescript");
    npm::install(&dir)?;
    let mut command = Command::new("node");
    command.arg("decisions.mjs").args(arguments).current_dir(dir);
    run(command)
}

fn python(arguments: &[&String]) -> Result<()> {
    let environment = python_with_peers()?;
    let wheel = environment.build_wheel()?;
    let mut install = environment.module("pip", &["install", "--quiet", "--force-reinstall", "--no-deps"]);
    install.arg(wheel);
    run(install)?;
    let mut command = Command::new(environment.python());
    command.arg("decisions.py").args(arguments).current_dir(dir("python"));
    run(command)
}

fn python_with_peers() -> Result<Environment> {
    python::setup()?;
    let environment = Environment::kept("bench")?;
    let mut peers = environment.module("pip", &["install", "--quiet", "--requirement", "requirements.txt"]);
    peers.current_dir(dir("python"));
    run(peers)?;
    Ok(environment)
}

fn dir(language: &str) -> PathBuf {
    paths::root().join("benches").join(language)
}
