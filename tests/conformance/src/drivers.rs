//! Drivers: programs that play runs and write logs.

use std::ffi::OsString;
use std::fs::File;
use std::io::{BufRead, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail, ensure};
use serde::Deserialize;

use crate::protocol::Run;

/// A driver that the suite must have.
#[derive(Debug, Clone)]
pub struct Driver {
    /// What it is called.
    pub name: String,
    /// The program and its arguments.
    pub command: Vec<OsString>,
    /// Plays every run on a memory store by one clock: see [`crate::generate::direct`].
    pub direct: bool,
    /// A file to keep its logs in, after what is there.
    pub kept_in: Option<PathBuf>,
}

/// Where the programs of the drivers are.
#[derive(Debug, Clone)]
pub struct Places {
    /// The suite's folder.
    pub suite: PathBuf,
    /// The folder of this program, and so of the Rust driver.
    pub programs: PathBuf,
    /// The target directory.
    pub target: PathBuf,
}

impl Places {
    /// Those of a program built by cargo, wherever the target directory is.
    ///
    /// # Errors
    /// The program does not know where it is.
    pub fn find() -> Result<Self> {
        let program = std::env::current_exe()?;
        let folder = program.parent().context("this program is in no folder")?;
        // Test programs are one folder further down.
        let programs = if folder.ends_with("deps") { folder.parent().unwrap_or(folder) } else { folder };
        let target = programs.parent().context("this program is in no target directory")?.to_owned();
        Ok(Self { suite: PathBuf::from(env!("CARGO_MANIFEST_DIR")), programs: programs.to_owned(), target })
    }

    /// A program of this package.
    pub fn program(&self, name: &str) -> PathBuf {
        self.programs.join(format!("{name}{}", std::env::consts::EXE_SUFFIX))
    }

    /// The Python that has wasmtime-py and the Python SDK: `cargo xtask conformance` makes it.
    pub fn python(&self) -> PathBuf {
        let given = std::env::var_os("TIDEGATE_CONFORMANCE_PYTHON").map(PathBuf::from);
        given.unwrap_or_else(|| self.target.join("conformance/venv/bin/python"))
    }

    fn component(&self) -> PathBuf {
        let given = std::env::var_os("TIDEGATE_COMPONENT").map(PathBuf::from);
        given.unwrap_or_else(|| self.target.join("component/tidegate.wasm"))
    }

    /// All drivers of the suite, the reference first.
    pub fn drivers(&self) -> Vec<Driver> {
        let folder = self.suite.join("drivers");
        let python = |name: &str, rest: &[PathBuf]| {
            let script = folder.join(name).join("driver.py");
            driver(name, &[&[self.python(), script], rest].concat())
        };
        vec![
            driver("rust", &[self.program("conformance-rust")]),
            driver("rust-component-api", &[self.program("conformance-rust"), self.component()]),
            driver("typescript", &[PathBuf::from("node"), folder.join("typescript/driver.mjs")]),
            python("python", &[]),
            python("raw", &[self.component()]),
        ]
    }

    /// The Rust driver without a ledger in between.
    pub fn direct(&self) -> Driver {
        Driver { direct: true, ..driver("rust-direct", &[self.program("conformance-rust")]) }
    }
}

fn driver(name: &str, command: &[PathBuf]) -> Driver {
    let command = command.iter().map(|part| part.clone().into_os_string()).collect();
    Driver { name: name.to_owned(), command, direct: false, kept_in: None }
}

/// A line that starts or ends a log.
#[derive(Deserialize)]
struct Mark {
    case: Option<String>,
    end: Option<String>,
}

impl Driver {
    /// Plays runs in turn, and hands each log out as it comes.
    ///
    /// # Errors
    /// The program cannot be started, fails, or writes what is no log. What came before was handed
    /// out.
    pub fn play(&self, runs: &[Run], heard: &mut dyn FnMut(&str, Vec<String>)) -> Result<()> {
        let (program, arguments) = self.command.split_first().context("a driver is a command")?;
        let mut child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("{} cannot be started", Path::new(program).display()))?;
        let (mut input, output) = (child.stdin.take().context("no input")?, child.stdout.take().context("no output")?);
        let read = std::thread::scope(|scope| {
            // A driver that ends early breaks the pipe; what it did not report is found out by what
            // is missing.
            let write = scope.spawn(move || runs.iter().try_for_each(|run| writeln!(input, "{}", self.line(run))));
            let read = read_logs(BufReader::new(output), heard);
            let _ = write.join();
            read
        });
        let status = child.wait()?;
        read?;
        ensure!(status.success(), "it failed ({status})");
        Ok(())
    }

    /// Keeps a log where its logs are kept.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn keep(&self, case: &str, log: &[String]) -> Result<()> {
        let Some(path) = &self.kept_in else { return Ok(()) };
        let file = File::options().create(true).append(true).open(path);
        let mut file = file.with_context(|| format!("{} cannot be opened", path.display()))?;
        Ok(file.write_all(format!("{case}\n  {}\n", log.join("\n  ")).as_bytes())?)
    }

    fn line(&self, run: &Run) -> String {
        let text =
            if self.direct { serde_json::to_string(&crate::generate::direct(run)) } else { serde_json::to_string(run) };
        text.unwrap_or_default()
    }
}

/// Reads logs, each between its marks.
fn read_logs(output: impl BufRead, heard: &mut dyn FnMut(&str, Vec<String>)) -> Result<()> {
    let mut open: Option<(String, Vec<String>)> = None;
    for line in output.lines() {
        let line = line?;
        if let Some((case, log)) = &mut open {
            if !line.starts_with("{\"end\":") {
                log.push(line);
                continue;
            }
            let mark: Mark = serde_json::from_str(&line)?;
            ensure!(mark.end.as_ref() == Some(case), "the log of {case} ends as {line}");
            heard(case, std::mem::take(log));
            open = None;
        } else {
            let Ok(Mark { case: Some(case), .. }) = serde_json::from_str(&line) else {
                bail!("this stands outside a log: {line}");
            };
            open = Some((case, Vec::new()));
        }
    }
    match open {
        Some((case, _)) => bail!("the log of {case} has no end"),
        None => Ok(()),
    }
}
