//! Worker processes that ask at the same time, and what they were let do.
//!
//! A worker is a program that is given the store's URL and the name of a limiter. It says `ready`;
//! for each line `OPEN FROM TO` it gets, in microseconds since 1970, it asks once at `OPEN` unless
//! that is 0, has 16 callers ask from `FROM` to `TO`, prints a line `ASKED ANSWERED` for each call
//! that was let go, and then `done`. It ends with its input.

use std::io::{BufRead as _, BufReader, Lines, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, ensure};

use crate::SECOND_US;

const WORKERS: usize = 4;
/// How long before the window's end the callers begin, and how long after it they go on.
const BEFORE_US: u64 = 100_000;
const AFTER_US: u64 = 1_100_000;

/// A call that was let go, in microseconds since 1970.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Admitted {
    pub(crate) asked_us: u64,
    pub(crate) answered_us: u64,
}

/// The workers. They are ended with it.
pub(crate) struct Team(Vec<Worker>);

struct Worker {
    process: Child,
    orders: Option<ChildStdin>,
    said: Lines<BufReader<ChildStdout>>,
}

impl Team {
    pub(crate) fn start(program: &[String], url: &str, limiter: &str) -> Result<Self> {
        let team = (0..WORKERS).map(|_| Worker::start(program, url, limiter)).collect::<Result<_>>()?;
        let mut team = Self(team);
        for worker in &mut team.0 {
            ensure!(worker.line()? == "ready", "{program:?} is not ready");
        }
        Ok(team)
    }

    /// Runs this many rounds.
    pub(crate) fn run(mut self, rounds: u32) -> Result<Vec<Admitted>> {
        let mut admitted = Vec::new();
        for _ in 0..rounds {
            // What was charged before has left every window by then.
            let open_us = now_us()?.div_ceil(SECOND_US) * SECOND_US + 2 * SECOND_US;
            let edge_us = open_us + SECOND_US;
            for (index, worker) in self.0.iter_mut().enumerate() {
                let open_us = if index == 0 { open_us } else { 0 };
                worker.order(&format!("{open_us} {} {}", edge_us - BEFORE_US, edge_us + AFTER_US))?;
            }
            for worker in &mut self.0 {
                worker.report(&mut admitted)?;
            }
        }
        for worker in &mut self.0 {
            worker.end()?;
        }
        Ok(admitted)
    }
}

impl Worker {
    fn start(program: &[String], url: &str, limiter: &str) -> Result<Self> {
        let (name, arguments) = program.split_first().context("a program has a name")?;
        let mut command = Command::new(name);
        command.args(arguments).args([url, limiter]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().with_context(|| format!("cannot run {name}"))?;
        let orders = process.stdin.take();
        let said = BufReader::new(process.stdout.take().context("it was piped")?).lines();
        Ok(Self { process, orders, said })
    }

    fn line(&mut self) -> Result<String> {
        Ok(self.said.next().context("a worker ended early")??)
    }

    fn order(&mut self, order: &str) -> Result<()> {
        Ok(writeln!(self.orders.as_mut().context("it has not ended")?, "{order}")?)
    }

    fn report(&mut self, admitted: &mut Vec<Admitted>) -> Result<()> {
        loop {
            let line = self.line()?;
            if line == "done" {
                return Ok(());
            }
            let (asked, answered) = line.split_once(' ').with_context(|| format!("{line:?} is no report"))?;
            admitted.push(Admitted { asked_us: asked.parse()?, answered_us: answered.parse()? });
        }
    }

    fn end(&mut self) -> Result<()> {
        self.orders = None;
        ensure!(self.process.wait()?.success(), "a worker failed");
        Ok(())
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // Both fail where it has ended, as it should have.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The time, in microseconds since 1970.
pub(crate) fn now_us() -> Result<u64> {
    Ok(u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_micros())?)
}
