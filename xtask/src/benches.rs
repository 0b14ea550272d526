//! The benchmarks of all languages, in one run.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use crate::language::{self, Language};
use crate::python::{self, Environment};
use crate::run::{cargo, run, step};
use crate::tasks::THE_REST;
use crate::{component, install, npm, paths, typescript};

/// Runs them all, or those of the language of `--language`. The other arguments go to `cargo bench`.
pub(crate) fn bench(arguments: &[String]) -> Result<()> {
    let (chosen, arguments) = language::split(arguments)?;
    component::build()?;
    install::redis()?;
    for language in [Language::Rust, Language::TypeScript, Language::Python] {
        if chosen.is_none_or(|chosen| chosen == language) {
            step(&format!("benchmarks in {language:?}"), || match language {
                Language::Rust => rust(&arguments),
                Language::TypeScript => node(),
                Language::Python => python(),
            })?;
        }
    }
    Ok(())
}

fn rust(arguments: &[&String]) -> Result<()> {
    let mut command = cargo(["bench", "--locked"].iter().chain(&THE_REST).chain(&["--bench", "decisions", "--"]));
    command.args(arguments);
    run(command)
}

fn node() -> Result<()> {
    typescript::setup()?;
    typescript::build()?;
    let dir = dir("typescript");
    npm::install(&dir)?;
    let mut command = Command::new("node");
    command.arg("decisions.mjs").current_dir(dir);
    run(command)
}

fn python() -> Result<()> {
    python::setup()?;
    let environment = Environment::kept("bench")?;
    let wheel = environment.build_wheel()?;
    let mut install = environment.module("pip", &["install", "--quiet", "--force-reinstall", "--no-deps"]);
    install.arg(wheel);
    run(install)?;
    let mut peers = environment.module("pip", &["install", "--quiet", "--requirement", "requirements.txt"]);
    peers.current_dir(dir("python"));
    run(peers)?;
    let mut command = Command::new(environment.python());
    command.arg("decisions.py").current_dir(dir("python"));
    run(command)
}

fn dir(language: &str) -> PathBuf {
    paths::root().join("benches").join(language)
}
