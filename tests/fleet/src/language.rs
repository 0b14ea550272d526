//! Workers in each language. They say and hear the same.

use std::path::{Path, PathBuf};
use std::process::Command as Program;

use anyhow::{Context as _, Result};

use crate::protocol::Place;
use crate::worker::Worker;

const HINT: &str = "`cargo xtask test` builds what it needs";

/// What a worker is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// `worker`, which the test builds.
    Rust,
    /// On the package that is built in its folder.
    Node,
    /// On the wheel that `cargo xtask` has installed into a virtual environment.
    Python,
}

impl Language {
    /// Starts a worker. `rust_worker` is the program of those in Rust; beside it is what cargo
    /// builds.
    ///
    /// # Errors
    /// If it does not start or cannot connect.
    pub fn start(self, rust_worker: &str, place: &Place) -> Result<Worker> {
        let worker = |file: &str| root().join("tests/fleet/workers").join(file);
        let (program, argument) = match self {
            Self::Rust => return Worker::start(rust_worker, place),
            Self::Node => (PathBuf::from("node"), worker("worker.mjs")),
            Self::Python => (python_beside(Path::new(rust_worker))?, worker("worker.py")),
        };
        let mut program = Program::new(program);
        program.arg(argument);
        Worker::start_program(program, place).with_context(|| format!("the worker in {self:?}: {HINT}"))
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn python_beside(rust_worker: &Path) -> Result<PathBuf> {
    let target = rust_worker.ancestors().nth(2).context("a program lies in the folder of its profile, in target")?;
    Ok(target.join("python/test/bin/python"))
}
