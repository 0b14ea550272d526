//! The benchmarks of all languages, in one run.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use crate::language::{self, Language};
use crate::python::{self, Environment};
use crate::run::{cargo, run, step};
use crate::workspace::THE_REST;
use crate::{component, install, npm, paths, typescript};

/// What `--only` names the part that counts calls that fail, instead of measuring time.
const HICCUPS: &str = "hiccups";

/// Runs them all, or those of the language of `--language`. The other arguments go to the
/// benchmarks; with `--only hiccups` only what counts calls that fail is run.
pub(crate) fn bench(arguments: &[String]) -> Result<()> {
    let (chosen, arguments) = language::split(arguments)?;
    component::build()?;
    install::redis()?;
    if arguments.iter().any(|argument| *argument == HICCUPS) {
        return hiccups(chosen, &arguments);
    }
    for language in [Language::Rust, Language::TypeScript, Language::Python] {
        if chosen.is_none_or(|chosen| chosen == language) {
            step(&format!("benchmarks in {language:?}"), || match language {
                Language::Rust => rust(&["decisions", "curves"], &arguments),
                Language::TypeScript => node("decisions.mjs", &arguments),
                Language::Python => python("decisions.py", &arguments),
            })?;
        }
    }
    if chosen.is_none_or(|chosen| chosen == Language::Rust) {
        step("accuracy", || accuracy(&arguments))?;
    }
    Ok(())
}

/// The calls that fail when the store pauses, keys come in bursts, the process is busy or a
/// connection is slow, beside the peers'.
fn hiccups(chosen: Option<Language>, arguments: &[&String]) -> Result<()> {
    if chosen.is_none_or(|chosen| chosen == Language::TypeScript) {
        step("hiccups in TypeScript", || node("hiccups.mjs", arguments))?;
    }
    if chosen.is_none_or(|chosen| chosen == Language::Python) {
        step("hiccups in Python", || python("hiccups.py", arguments))?;
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

fn node(program: &str, arguments: &[&String]) -> Result<()> {
    typescript::setup()?;
    typescript::build()?;
    let dir = dir("typescript");
    npm::install(&dir)?;
    let mut command = Command::new("node");
    command.arg(program).args(arguments).current_dir(dir);
    run(command)
}

fn python(program: &str, arguments: &[&String]) -> Result<()> {
    let environment = python_with_peers()?;
    let wheel = environment.build_wheel()?;
    let mut install = environment.module("pip", &["install", "--quiet", "--force-reinstall", "--no-deps"]);
    install.arg(wheel);
    run(install)?;
    let mut command = Command::new(environment.python());
    command.arg(program).args(arguments).current_dir(dir("python"));
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
